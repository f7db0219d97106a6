// All classes, group by group: a dialog in which each has a key. It is drawn as a group is opened, never as keys are
// pressed elsewhere.

import { element, named } from "/static/element.js";
import { namesOf } from "/static/keyboard.js";

const KEYS = [..."123456789abcdefghijklmnopqrstuvwxyz"];
const ITSELF = "0";

export class Palette {
  #dialog;
  #classes;
  #choose;
  #way = []; // ids of the groups that were opened, one below the other
  #title = element("h2", { id: "palette-title" }, "All classes");
  #crumbs = element("nav", { className: "row", "aria-label": "The way to this group" });
  #items = element("div", { className: "items", role: "group", "aria-label": "All classes" });

  constructor(dialog, classes, choose) {
    this.#dialog = dialog;
    this.#classes = classes;
    this.#choose = choose;
    const close = element("button", { type: "button", className: "plain" }, "Close ", element("kbd", {}, "Esc"));
    close.addEventListener("click", () => dialog.close());
    dialog.append(element("header", { className: "row spread" }, this.#title, close), this.#crumbs, this.#items);
    dialog.addEventListener("click", ({ target }) => this.#picked(target.closest("button")));
    dialog.addEventListener("keydown", (event) => this.#key(event));
  }

  open() {
    this.#dialog.showModal();
    this.#go([]);
  }

  #go(way) {
    this.#way = way;
    const at = way.at(-1) ?? null;
    const rows = this.#classes.below(at).map((it, i) => this.#row(it, KEYS[i]));
    if (at !== null) rows.unshift(button({ key: ITSELF, itself: at }, [named(this.#classes.name(at)), " itself"]));
    this.#drawCrumbs();
    const group = at === null ? "All classes" : this.#classes.name(at);
    this.#items.setAttribute("aria-label", group);
    this.#items.replaceChildren(...rows);
    if (!rows.length) this.#items.append("There is no class yet: close this, and press / to add one.");
    this.#items.scrollTop = 0;
    this.#items.querySelector("button")?.focus();
  }

  #row({ class_id, name }, key) {
    const below = this.#classes.size(class_id);
    const more = below ? [element("span", { className: "quiet" }, `${below} below`)] : [];
    return button({ key, [below ? "group" : "itself"]: class_id }, [named(name)], more);
  }

  #drawCrumbs() {
    const names = ["All classes", ...this.#way.map((id) => this.#classes.name(id))];
    const crumbs = names.map((name, i) => {
      const isHere = i === names.length - 1;
      return isHere
        ? element("strong", { "aria-current": "true" }, named(name))
        : element("button", { type: "button", className: "small", "data-depth": i }, named(name));
    });
    const up = element("span", { className: "quiet" }, element("kbd", {}, "Backspace"), " goes back");
    this.#crumbs.hidden = names.length === 1;
    this.#crumbs.replaceChildren(...crumbs.flatMap((crumb, i) => (i ? ["›", crumb] : [crumb])), up);
  }

  #picked(picked) {
    if (!picked) return;
    const { group, itself, depth } = picked.dataset;
    if (depth !== undefined) this.#go(this.#way.slice(0, Number(depth)));
    else if (group !== undefined) this.#go([...this.#way, this.#classes.at(group)]);
    else if (itself !== undefined) {
      this.#dialog.close();
      this.#choose(this.#classes.at(itself));
    }
  }

  #key(event) {
    const items = [...this.#items.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const chosen = namesOf(event)
      .map((name) => items.find(({ dataset }) => dataset.key === name))
      .find(Boolean);
    if (step && items.length) {
      const place = items.indexOf(document.activeElement);
      items[(place + step + items.length) % items.length].focus();
    } else if (event.key === "Backspace" && this.#way.length) this.#go(this.#way.slice(0, -1));
    else if (chosen && !event.repeat) this.#picked(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation(); // where the dialog is closed by now, the key would be the page's
  }
}

function button({ key, ...data }, name, more = []) {
  const made = element("button", { type: "button" }, element("span", { className: "name" }, ...name), ...more);
  for (const [field, value] of Object.entries(data)) made.dataset[field] = value;
  if (key) {
    made.dataset.key = key;
    made.prepend(element("kbd", { "aria-hidden": "true" }, key.toUpperCase()));
  }
  return made;
}
