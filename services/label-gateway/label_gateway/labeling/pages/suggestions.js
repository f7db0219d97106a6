// The classes that the audio on the desk probably has, each behind a key. Where the batch shows none there is nothing.

import { byId } from "/static/element.js";
import { classButton } from "./class-picker.js";

const KEYS = "ert";

export class Suggestions {
  #classes;
  #marks;
  #ids = []; // of the classes, the likeliest first

  /** `choose(class_id)` is called as one is picked. */
  constructor(classes, marks, choose) {
    this.#classes = classes;
    this.#marks = marks;
    byId("suggested-classes").addEventListener("click", ({ target }) => {
      const button = target.closest("[data-class]");
      if (button) choose(classes.at(button.dataset.class));
    });
    for (const source of [classes, marks]) source.addEventListener("change", () => this.#draw());
  }

  /** Offers those of a task; of none, none. */
  offer(task) {
    const suggested = task?.suggested ?? []; // a server of before knows of none
    this.#ids = suggested.slice(0, KEYS.length).map((it) => this.#classes.meet(it));
    this.#classes.suggest(this.#ids);
    this.#draw();
  }

  /** The class behind a key; undefined where there is none. */
  behind(key) {
    return this.#ids[KEYS.indexOf(key)];
  }

  #draw() {
    const row = byId("suggested-classes");
    const focused = row.contains(document.activeElement) ? document.activeElement.dataset.class : null;
    const on = this.#marks.current?.class_ids ?? [];
    const buttons = this.#ids.map((class_id, i) => {
      const suggested = { class_id, name: this.#classes.name(class_id) };
      return classButton(suggested, KEYS[i].toUpperCase(), on.includes(class_id));
    });
    row.replaceChildren(...buttons);
    byId("suggested").hidden = !buttons.length;
    buttons.find((button) => button.dataset.class === focused)?.focus();
  }
}
