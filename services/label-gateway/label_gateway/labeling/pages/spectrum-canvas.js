// The spectrogram of what is in view, on its canvas. Until the span in view is computed, what there is of it is shown
// stretched to where it belongs: nothing is ever drawn at another time than its own.

import { theme } from "./theme.js";

export class SpectrumCanvas {
  #canvas;
  #worker = new Worker(new URL("./spectrum-worker.js", import.meta.url), { type: "module" });
  #picture = document.createElement("canvas"); // what was computed last, for `#shown`
  #shown = null; // {from_s, to_s, columns, rows, …} as the worker was asked
  #asked = null; // the worker computes one at a time
  #wanted = null;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.onerror = ({ message }) => {
      throw new Error(`The spectrogram cannot be computed: ${message}`);
    };
  }

  /** Another audio, `{samples, rate_hz, highest_hz}`: nothing of the one before is shown any longer. */
  show({ samples, rate_hz, highest_hz }) {
    this.#worker.postMessage({ audio: { samples, rate_hz, highest_hz } });
    this.#shown = null;
    this.#asked &&= { ...this.#asked, isOld: true };
  }

  /** Draws the span `{from_s, to_s}` by `{scale, loudest_db, range_db}`, in the size of the canvas. */
  draw({ from_s, to_s }, { scale, loudest_db, range_db }) {
    const { width: columns, height: rows } = this.#canvas;
    this.#wanted = { from_s, to_s, columns, rows, scale, loudest_db, range_db };
    delete this.#canvas.dataset.drawn;
    this.#paint();
    this.#ask();
  }

  #ask() {
    if (this.#asked || !this.#wanted?.columns || !this.#wanted.rows) return;
    [this.#asked, this.#wanted] = [this.#wanted, null];
    this.#worker.postMessage(this.#asked);
  }

  #take(levels) {
    const done = this.#asked;
    this.#asked = null;
    if (!done.isOld) {
      this.#keep(levels, done);
      this.#paint();
    }
    if (this.#wanted) this.#ask();
    else this.#canvas.dataset.drawn = `${done.from_s} ${done.to_s}`;
  }

  #keep(levels, done) {
    const colors = theme().spectrum;
    const image = new ImageData(done.columns, done.rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < levels.length; i++) pixels[i] = colors[levels[i]];
    this.#picture.width = done.columns;
    this.#picture.height = done.rows;
    this.#picture.getContext("2d").putImageData(image, 0, 0);
    this.#shown = done;
  }

  #paint() {
    const { width, height } = this.#canvas;
    const { from_s, to_s } = this.#wanted ?? this.#shown;
    const pen = this.#canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    if (!this.#shown) return;
    const px_per_s = width / (to_s - from_s);
    const x = (this.#shown.from_s - from_s) * px_per_s;
    pen.drawImage(this.#picture, x, 0, (this.#shown.to_s - this.#shown.from_s) * px_per_s, height);
  }
}
