// The marks and the cursor as they lie on the waveform and the spectrogram.

import { byId, element, listed } from "/static/element.js";
import { lanes } from "./marks.js";

const EDGE_PX = 2; // the line at the edge of a mark; its name begins inside
const LANE_PX = 21; // from a name to the one below it, where there is room

/** Draws what `marks` and `player` say of the span in view; `nameOf(class_id)` is what a mark shows. */
export class Overlay {
  #player;
  #view;
  #marks;
  #nameOf;
  #layer = byId("drawn-marks");
  #spectrum = byId("wave").querySelector(".spectrum");
  #sketch = null; // {id, onset_s, offset_s}: what a hand is drawing (no id) or moving, until it lets go

  constructor(player, view, marks, nameOf) {
    this.#player = player;
    this.#view = view;
    this.#marks = marks;
    this.#nameOf = nameOf;
    marks.addEventListener("change", () => this.#draw());
    player.addEventListener("loaded", () => this.#draw());
    player.addEventListener("time", () => this.#drawCursor());
    view.addEventListener("change", () => {
      this.#draw();
      this.#drawCursor();
    });
    new ResizeObserver(() => this.#draw()).observe(this.#layer); // names take more of a narrower plot
  }

  /** Shows a span that is no mark yet, or a mark elsewhere than it is; null: only what is. */
  sketch(sketch) {
    this.#sketch = sketch;
    this.#draw();
  }

  #draw() {
    // Before the audio is there, a mark has no place on it.
    const list = this.#player.duration_s ? this.#marks.list.filter((mark) => this.#isInView(mark)) : [];
    const drawn = list.map((mark) => this.#mark(mark));
    if (this.#sketch && !this.#sketch.id) drawn.push(this.#place(element("div", { className: "mark on" }), this.#sketch));
    this.#layer.replaceChildren(...drawn);
    this.#stack(list);
  }

  // Not only marks that overlap: a name that is longer than its mark would lie on that of the next one.
  #stack(list) {
    const s_per_px = this.#view.span_s / this.#layer.clientWidth;
    const titles = [...this.#layer.querySelectorAll("[data-mark]")];
    const taken = list.map((mark, i) => {
      const { id, onset_s, offset_s } = this.#inView(mark);
      const name_s = (titles[i].offsetWidth + EDGE_PX) * s_per_px || 0; // nothing has a width on a page that is not shown
      if (this.#isLate(onset_s)) return { id, onset_s: Math.min(onset_s, offset_s - name_s), offset_s };
      return { id, onset_s, offset_s: Math.max(offset_s, onset_s + name_s) };
    });
    const lane = lanes(taken.toSorted((a, b) => a.onset_s - b.onset_s));
    const step_px = this.#laneStep(Math.max(0, ...lane.values()), titles[0]?.offsetHeight);
    list.forEach(({ id }, i) => (titles[i].style.top = `${lane.get(id) * step_px}px`));
  }

  // Names lie in the gutter over the waveform, many also on it, never on the spectrogram: where there are too many,
  // they lie on each other in part.
  #laneStep(last, title_px) {
    return last ? Math.min(LANE_PX, (this.#spectrum.offsetTop - title_px) / last) : LANE_PX;
  }

  // A name that began late would be cut by the end of the plot: it ends with its mark.
  #isLate(onset_s) {
    return onset_s > this.#view.time(0.5);
  }

  #isInView({ onset_s, offset_s }) {
    return onset_s < this.#view.to_s && offset_s > this.#view.from_s;
  }

  // What is seen of a mark, which may go on beyond both sides.
  #inView({ id, onset_s, offset_s }) {
    const { from_s, to_s } = this.#view;
    return { id, onset_s: Math.max(onset_s, from_s), offset_s: Math.min(offset_s, to_s) };
  }

  #mark(mark) {
    const on = mark.id === this.#marks.selected;
    const title = element("span", { "data-mark": mark.id }, ...this.#title(mark));
    const { onset_s, offset_s } = this.#inView(mark);
    const isLate = this.#isLate(onset_s);
    title.classList.toggle("late", isLate);
    const px = (from_s, to_s) => (this.#view.part(to_s) - this.#view.part(from_s)) * this.#layer.clientWidth;
    const room_px = isLate ? px(this.#view.from_s, offset_s) : px(onset_s, this.#view.to_s);
    title.style.maxWidth = `${room_px - EDGE_PX}px`;
    if (isLate) title.style.right = `${px(offset_s, mark.offset_s)}px`;
    else title.style.left = `${px(mark.onset_s, onset_s)}px`;
    const span = mark.id === this.#sketch?.id ? this.#sketch : mark;
    return this.#place(element("div", { className: on ? "mark on" : "mark" }, title), span);
  }

  #place(drawn, { onset_s, offset_s }) {
    drawn.style.left = `${this.#view.part(onset_s) * 100}%`;
    drawn.style.right = `${(1 - this.#view.part(offset_s)) * 100}%`;
    return drawn;
  }

  #drawCursor() {
    byId("cursor").style.left = `${this.#view.part(this.#player.cursor_s) * 100}%`;
  }

  #title(mark) {
    const names = mark.class_ids.map(this.#nameOf);
    return names.length ? listed(names) : [`${this.#marks.number(mark.id)}`];
  }
}
