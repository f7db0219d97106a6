// The marks and the cursor as they lie on the waveform and the spectrogram.

import { byId, element, listed } from "/static/element.js";
import { lanes } from "./marks.js";

const EDGE_PX = 2; // the line at the edge of a mark; its name begins inside
const LANE_PX = 21; // from a name to the one below it, where there is room

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
    new ResizeObserver(() => this.#draw()).observe(this.#layer); // names take more of a narrower plot
  }

  /** Shows a span that is no mark yet, or a mark elsewhere than it is; null: only what is. */
  sketch(sketch) {
    this.#sketch = sketch;
    this.#draw();
  }

  #draw() {
    // Before the audio is there, a mark has no place on it.
    const list = this.#player.duration_s ? this.#marks.list : [];
    const drawn = list.map((mark) => this.#mark(mark));
    if (this.#sketch && !this.#sketch.id) drawn.push(this.#place(element("div", { className: "mark on" }), this.#sketch));
    this.#layer.replaceChildren(...drawn);
    this.#stack(list);
  }

  // Not only marks that overlap: a name that is longer than its mark would lie on that of the next one.
  #stack(list) {
    const s_per_px = this.#player.duration_s / this.#layer.clientWidth;
    const titles = [...this.#layer.querySelectorAll("[data-mark]")];
    const taken = list.map(({ id, onset_s, offset_s }, i) => {
      const name_s = (titles[i].offsetWidth + EDGE_PX) * s_per_px || 0; // nothing has a width on a page that is not shown
      if (this.#isLate(onset_s)) return { id, onset_s: Math.min(onset_s, offset_s - name_s), offset_s };
      return { id, onset_s, offset_s: Math.max(offset_s, onset_s + name_s) };
    });
    const lane = lanes(taken.toSorted((a, b) => a.onset_s - b.onset_s));
    const step_px = this.#laneStep(Math.max(0, ...lane.values()), titles[0]?.offsetHeight);
    list.forEach(({ id }, i) => (titles[i].style.top = `${lane.get(id) * step_px}px`));
  }

  // Where there are too many for the plot, names lie on each other in part, so that the last is still on it.
  #laneStep(last, title_px) {
    return last ? Math.min(LANE_PX, (this.#layer.clientHeight - title_px) / last) : LANE_PX;
  }

  // A name that began late would be cut by the end of the plot: it ends with its mark.
  #isLate(onset_s) {
    return onset_s > this.#player.duration_s / 2;
  }

  #mark(mark) {
    const on = mark.id === this.#marks.selected;
    const title = element("span", { "data-mark": mark.id }, ...this.#title(mark));
    const isLate = this.#isLate(mark.onset_s);
    title.classList.toggle("late", isLate);
    const room = (isLate ? mark.offset_s : this.#player.duration_s - mark.onset_s) / this.#player.duration_s;
    title.style.maxWidth = `${room * this.#layer.clientWidth - EDGE_PX}px`;
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
    const names = mark.class_ids.map(this.#nameOf);
    return names.length ? listed(names) : [`${this.#marks.number(mark.id)}`];
  }
}
