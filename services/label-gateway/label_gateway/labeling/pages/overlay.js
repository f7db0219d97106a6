// The marks and the cursor as they lie on the waveform and the spectrogram.

import { byId, element } from "/static/element.js";
import { lanes } from "./marks.js";

/** Draws what `marks` and `player` say; `nameOf(class_id)` is what a mark shows. */
export class Overlay {
  #player;
  #marks;
  #nameOf;
  #layer = byId("drawn-marks");
  #sketch = null; // {id, onset_s, offset_s}: what a hand is drawing (no id) or moving, until it lets go

  constructor(player, marks, nameOf) {
    this.#player = player;
    this.#marks = marks;
    this.#nameOf = nameOf;
    marks.addEventListener("change", () => this.#draw());
    player.addEventListener("loaded", () => this.#draw());
    player.addEventListener("time", () => this.#drawCursor());
  }

  /** Shows a span that is no mark yet, or a mark elsewhere than it is; null: only what is. */
  sketch(sketch) {
    this.#sketch = sketch;
    this.#draw();
  }

  #draw() {
    // Before the audio is there, a mark has no place on it.
    const list = this.#player.duration_s ? this.#marks.list : [];
    const lane = lanes(list);
    const drawn = list.map((mark) => this.#mark(mark, lane.get(mark.id)));
    if (this.#sketch && !this.#sketch.id) drawn.push(this.#place(element("div", { className: "mark on" }), this.#sketch));
    this.#layer.replaceChildren(...drawn);
  }

  #mark(mark, lane) {
    const on = mark.id === this.#marks.selected;
    const title = element("span", { "data-mark": mark.id }, this.#title(mark));
    title.style.setProperty("--lane", lane);
    // A name that began late would be cut by the end of the plot: it ends with its mark.
    title.classList.toggle("late", mark.onset_s > this.#player.duration_s / 2);
    const span = mark.id === this.#sketch?.id ? this.#sketch : mark;
    return this.#place(element("div", { className: on ? "mark on" : "mark" }, title), span);
  }

  #place(drawn, { onset_s, offset_s }) {
    const { duration_s } = this.#player;
    drawn.style.left = `${(onset_s / duration_s) * 100}%`;
    drawn.style.right = `${(1 - offset_s / duration_s) * 100}%`;
    return drawn;
  }

  #drawCursor() {
    byId("cursor").style.left = `${(this.#player.cursor_s / (this.#player.duration_s || 1)) * 100}%`;
  }

  #title(mark) {
    return mark.class_ids.map(this.#nameOf).join(", ") || `${this.#marks.number(mark.id)}`;
  }
}
