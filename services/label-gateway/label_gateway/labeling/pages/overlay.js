// The marks as they lie on the waveform and the spectrogram: drawn, dragged and stretched by hand.

import { element } from "/static/element.js";
import { SHORTEST_S } from "./marks.js";

const DRAWING = "drawing"; // the id of a region that is ours, until it has that of its mark

/** Keeps the regions of the player and the marks the same; `nameOf(class_id)` is what a mark shows. */
export class Overlay {
  #player;
  #regions;
  #marks;
  #nameOf;
  #drawn = new Map(); // id of a mark -> its region

  constructor(player, marks, nameOf) {
    const { regions } = player;
    this.#player = player;
    this.#regions = regions;
    this.#marks = marks;
    this.#nameOf = nameOf;
    regions.enableDragSelection({ color: "var(--mark-on)" });
    regions.on("region-initialized", (region) => this.#begun(region));
    regions.on("region-created", (region) => this.#created(region));
    regions.on("region-updated", ({ id, start, end }) =>
      marks.move(Number(id), { onset_s: start, offset_s: end }),
    );
    regions.on("region-clicked", ({ id }) => marks.select(Number(id)));
    marks.addEventListener("change", () => this.#draw());
    player.addEventListener("loaded", () => this.#draw());
  }

  #draw() {
    // Before the audio is there, a mark has no place on it.
    const list = this.#player.duration_s ? this.#marks.list : [];
    const ids = new Set(list.map((mark) => mark.id));
    for (const [id, region] of this.#drawn) {
      if (ids.has(id)) continue;
      this.#drawn.delete(id);
      region.remove();
    }
    for (const mark of list) this.#drawMark(mark);
  }

  // wavesurfer.js begins a dragged region 5 pixels wide and adds the way of the pointer: too wide by these.
  #begun(region) {
    if (region.id !== DRAWING) region.setOptions({ end: region.start + 0.001 });
  }

  #created(region) {
    if (region.id === DRAWING) return;
    const { start, end } = region;
    region.remove();
    this.#marks.add(start, end);
  }

  #drawMark(mark) {
    const on = mark.id === this.#marks.selected;
    const options = { start: mark.onset_s, end: mark.offset_s, color: on ? "var(--mark-on)" : "var(--mark)" };
    let region = this.#drawn.get(mark.id);
    if (region) region.setOptions(options);
    else {
      region = this.#regions.addRegion({ ...options, id: DRAWING, minLength: SHORTEST_S });
      region.setOptions({ id: String(mark.id) });
      this.#drawn.set(mark.id, region);
    }
    region.setContent(element("span", {}, this.#title(mark)));
    region.content.setAttribute("part", on ? "mark-title mark-title-on" : "mark-title");
    region.element.setAttribute("part", on ? "mark mark-on" : "mark");
  }

  #title(mark) {
    return mark.class_ids.map(this.#nameOf).join(", ") || `${this.#marks.number(mark.id)}`;
  }
}
