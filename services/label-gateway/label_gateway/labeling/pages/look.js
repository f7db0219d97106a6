// How the spectrogram looks, as each person likes it: kept in this browser.

import { byId, element } from "/static/element.js";
import { keep, recall } from "./storage.js";
import { SCALES } from "./spectrum.js";

const CHOICES = {
  scale: Object.keys(SCALES),
  loudest_db: [0, -10, -20, -30, -40, -50, -60, -70, -80],
  range_db: [30, 40, 50, 60, 70, 80, 90, 100, 110],
};
const FIRST = { scale: "mel", loudest_db: -20, range_db: 80 };

/** `scale` of frequencies, `loudest_db` (dBFS, the last color), `range_db` from there to the first. Emits "change". */
export class Look extends EventTarget {
  #name;

  constructor(labeler_id) {
    super();
    this.#name = `escolta.look.${labeler_id}`;
    const kept = recall(this.#name, {});
    for (const [part, values] of Object.entries(CHOICES)) {
      this[part] = values.includes(kept[part]) ? kept[part] : FIRST[part];
    }
  }

  /** Sets a part, and keeps it. */
  set(part, value) {
    this[part] = value;
    keep(this.#name, { scale: this.scale, loudest_db: this.loudest_db, range_db: this.range_db });
    this.dispatchEvent(new Event("change"));
  }
}

/** The boxes in which a look is chosen. */
export function showLook(look) {
  const words = { loudest_db: (it) => `${it}`.replace("-", "−") + " dBFS", range_db: (it) => `${it} dB` };
  for (const [part, values] of Object.entries(CHOICES)) {
    const box = byId(part);
    box.append(...values.map((value) => element("option", { value }, words[part]?.(value) ?? value)));
    box.value = `${look[part]}`;
    box.addEventListener("change", () => {
      look.set(part, values[box.selectedIndex]);
      if (!box.matches(":focus-visible")) box.blur(); // whoever came by keys goes on by keys
    });
  }
}
