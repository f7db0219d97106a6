// The classes to choose from: those behind the number keys, Doubt, and a box that finds or adds one.

import { byId, element, named } from "/static/element.js";
import { say } from "./say.js";

const SHOWN = 8;

/** A class with its key; `isOn`: the selected mark has it. */
export function classButton({ class_id, name, is_doubt }, key, isOn) {
  return element(
    "button",
    { type: "button", "data-class": class_id, "aria-pressed": isOn, className: is_doubt ? "doubt" : "" },
    element("kbd", { "aria-hidden": "true" }, key),
    element("span", {}, named(name)),
  );
}

/** Draws the classes; `choose(class_id)` and `add(name)` are called as they are picked. */
export class ClassPicker {
  #classes;
  #marks;
  #choose;
  #add;
  #box = byId("find-class");
  #options = byId("found-classes");
  #at = 0;
  #asked = null; // the name of a new class that waits for a second Enter

  constructor(classes, marks, choose, add) {
    this.#classes = classes;
    this.#marks = marks;
    this.#choose = choose;
    this.#add = add;
    byId("keyed-classes").addEventListener("click", ({ target }) => {
      const button = target.closest("[data-class]");
      if (button) choose(this.#classes.at(button.dataset.class));
    });
    this.#options.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    this.#options.addEventListener("click", ({ target, detail }) => {
      if (detail < 2) this.#pick(target.closest("li")); // a double click is no second word
    });
    this.#box.addEventListener("input", () => this.#open());
    this.#box.addEventListener("focus", () => this.#open());
    this.#box.addEventListener("blur", () => this.#close());
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    for (const source of [classes, marks]) source.addEventListener("change", () => this.draw());
  }

  draw() {
    const buttons = this.#classes.keyed.map((it, i) => this.#button(it, `${i + 1}`));
    const { doubt } = this.#classes;
    if (doubt) buttons.push(this.#button(doubt, "D"));
    const row = byId("keyed-classes");
    const focused = row.contains(document.activeElement) ? document.activeElement.dataset.class : null;
    row.replaceChildren(...buttons);
    buttons.find((button) => button.dataset.class === focused)?.focus();
    this.#drawSticky();
  }

  #drawSticky() {
    const { sticky } = this.#marks;
    byId("sticky").setAttribute("aria-pressed", sticky !== null);
    const words = sticky === null ? ["Sticky"] : ["Sticky: ", named(this.#classes.name(sticky))];
    byId("sticky").querySelector(".what").replaceChildren(...words);
  }

  /** Puts the person into the box. */
  focus() {
    this.#box.focus();
  }

  #button(sound_class, key) {
    return classButton(sound_class, key, this.#marks.current?.class_ids.includes(sound_class.class_id) ?? false);
  }

  #open() {
    this.#asked = null;
    const text = this.#box.value.trim();
    const rows = this.#classes
      .search(text)
      .slice(0, SHOWN)
      .map(({ it, synonym }) => this.#row({ "data-class": it.class_id }, named(it.name), ...this.#hint(it, synonym)));
    if (text && !this.#classes.named(text))
      rows.push(this.#row({ "data-new": text }, "Add the class “", named(text), "”"));
    rows.forEach((row, i) => (row.id = `found-class-${i}`));
    this.#options.replaceChildren(...rows);
    this.#options.hidden = rows.length === 0;
    this.#box.setAttribute("aria-expanded", rows.length > 0);
    this.#goTo(0);
  }

  // What else it is called, and where it stands.
  #hint({ class_id }, synonym) {
    const way = this.#classes.way(class_id).join(" › ");
    const hints = [synonym && named(synonym), way && named(`in ${way}`)].filter(Boolean);
    return hints.map((hint) => element("span", { className: "quiet" }, " · ", hint));
  }

  #row(data, ...parts) {
    return element("li", { role: "option", ...data }, ...parts);
  }

  #close() {
    this.#box.value = "";
    this.#options.hidden = true;
    this.#box.setAttribute("aria-expanded", "false");
    this.#box.removeAttribute("aria-activedescendant");
  }

  #goTo(place) {
    const rows = [...this.#options.children];
    if (!rows.length) return this.#box.removeAttribute("aria-activedescendant");
    this.#at = (place + rows.length) % rows.length;
    rows.forEach((row, i) => row.setAttribute("aria-selected", i === this.#at));
    this.#box.setAttribute("aria-activedescendant", rows[this.#at].id);
    rows[this.#at].scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) this.#goTo(this.#at + steps[event.key]);
    else if (event.key === "Enter") this.#pick(this.#options.children[this.#at]);
    else if (event.key === "Escape") this.#box.blur();
    else return;
    event.preventDefault();
  }

  #pick(row) {
    if (!row) return;
    const { class: class_id, new: name } = row.dataset;
    if (name && this.#asked !== name) return this.#ask(row, name);
    this.#box.blur();
    if (name) this.#add(name);
    else this.#choose(this.#classes.at(class_id));
  }

  // A slip of the fingers would be a class of everybody's.
  #ask(row, name) {
    this.#asked = name;
    row.replaceChildren("Enter once more: “", named(name), "” becomes a class for everybody");
    say("There is no class “", named(name), "”. Press Enter once more to add it for everybody, or Escape.");
  }
}
