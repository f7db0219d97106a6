// The span of the audio that is on the screen. Whoever draws, points or plays asks here which pixel is which moment.

const SHORTEST_S = 0.05; // on the whole width: 20 pixels a millisecond on a wide screen
const MARGIN = 0.15; // of a mark's length, on each side of it when it is fitted
const REVEALED = 0.1; // of the width: where a moment comes to lie that was out of sight

/** Emits "change" when another span is shown. The span is never longer than the audio, and never outside of it. */
export class View extends EventTarget {
  from_s = 0;
  to_s = 0;
  duration_s = 0; // of the audio

  /** Begins an audio: all of it is shown. */
  reset(duration_s) {
    this.duration_s = duration_s;
    this.#show(0, duration_s);
  }

  get span_s() {
    return this.to_s - this.from_s;
  }

  get isWhole() {
    return this.span_s >= this.duration_s;
  }

  /** Where a moment lies, as a part of the width; outside of 0 to 1 it is out of sight. */
  part(time_s) {
    return this.span_s ? (time_s - this.from_s) / this.span_s : 0;
  }

  /** The moment at a part of the width. */
  time(part) {
    return this.from_s + part * this.span_s;
  }

  /** Shows `times` as much, or as little, around a moment that stays where it is. */
  zoom(times, at_s) {
    const span_s = Math.min(Math.max(this.span_s * times, SHORTEST_S), this.duration_s);
    this.#show(at_s - this.part(at_s) * span_s, span_s);
  }

  /** Moves on by a part of the width. */
  scroll(part) {
    this.#show(this.from_s + part * this.span_s, this.span_s);
  }

  /** Shows a span with a little around it. */
  fit({ onset_s, offset_s }) {
    const span_s = Math.max((offset_s - onset_s) * (1 + 2 * MARGIN), SHORTEST_S);
    this.#show((onset_s + offset_s - span_s) / 2, span_s);
  }

  /** Shows the whole audio. */
  fitAll() {
    this.#show(0, this.duration_s);
  }

  /** Scrolls to a moment that is out of sight. */
  reveal(time_s) {
    const part = this.part(time_s);
    if (part < 0 || part > 1) this.#show(time_s - REVEALED * this.span_s, this.span_s);
  }

  #show(from_s, span_s) {
    const width_s = Math.min(span_s, this.duration_s);
    this.from_s = Math.min(Math.max(from_s, 0), this.duration_s - width_s);
    this.to_s = this.from_s + width_s;
    this.dispatchEvent(new Event("change"));
  }
}
