// The span in view drawn: a waveform over a spectrogram, with the seconds above and the frequencies beside them.

import { element } from "/static/element.js";
import { SCALES } from "./spectrum.js";
import { SpectrumCanvas } from "./spectrum-canvas.js";
import { theme, whenThemeChanges } from "./theme.js";

const ROOM_PX = 52; // between two labels of the time axis
const LINE_PX = 14; // between two of the frequency axis
const STEPS_S = [1e-5, 1e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20];
const FREQUENCIES_HZ = [1, 10, 100, 1_000, 10_000].flatMap((tens) => [tens, 2 * tens, 5 * tens]);

/** Draws into `plot`, which holds two canvases, and into the gutters `axis` (time) and `frequencies`. */
export class Picture {
  #plot;
  #axis;
  #frequencies;
  #view;
  #look;
  #spectrum;
  #audio = null;
  #drawn = ""; // the size that the canvases were drawn for

  constructor(plot, axis, frequencies, view, look) {
    this.#plot = plot;
    this.#axis = axis;
    this.#frequencies = frequencies;
    this.#view = view;
    this.#look = look;
    this.#spectrum = new SpectrumCanvas(plot.querySelector(".spectrum"));
    whenThemeChanges(() => this.#draw());
    for (const source of [view, look]) source.addEventListener("change", () => this.#draw());
    new ResizeObserver(() => this.#size() !== this.#drawn && this.#draw()).observe(plot);
  }

  /** Takes `{samples, rate_hz, highest_hz, peak}` in place of the audio before it; drawn as soon as the view is of it. */
  show(audio) {
    this.#audio = audio;
    this.#spectrum.show(audio);
  }

  #size() {
    return `${this.#plot.clientWidth} ${this.#plot.clientHeight} ${devicePixelRatio}`;
  }

  #draw() {
    if (!this.#audio || !this.#plot.clientWidth) return;
    this.#drawn = this.#size();
    const [wave, spectrum] = this.#plot.querySelectorAll("canvas");
    for (const canvas of [wave, spectrum]) {
      canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
      canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    }
    drawWave(wave, this.#audio, this.#view);
    this.#spectrum.draw(this.#view, this.#look);
    drawTimes(this.#axis, this.#view, this.#plot.clientWidth);
    drawFrequencies(this.#frequencies, this.#audio.highest_hz, SCALES[this.#look.scale], spectrum.clientHeight);
  }
}

// From the lowest to the highest sample of each pixel of time; the loudest sample of the audio fills the height.
function drawWave(canvas, { samples, rate_hz, peak }, view) {
  const { width, height } = canvas;
  const pen = canvas.getContext("2d");
  pen.fillStyle = theme().wave;
  const y = (sample) => (1 - sample / (peak || 1)) * 0.5 * (height - 1);
  const at = (x) => Math.min(Math.floor(view.time(x / width) * rate_hz), samples.length - 1);
  for (let x = 0; x < width; x++) {
    const [first, end] = [at(x), Math.max(at(x + 1), at(x) + 1)];
    let [low, high] = [Infinity, -Infinity];
    for (let i = first; i < end; i++) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    pen.fillRect(x, y(high), 1, y(low) - y(high) + 1);
  }
}

function drawTimes(axis, view, width) {
  const step_s = STEPS_S.find((it) => (it / view.span_s) * width >= ROOM_PX) ?? 60;
  const digits = Math.max(0, -Math.floor(Math.log10(step_s)));
  const [first, last] = [Math.ceil(view.from_s / step_s - 1e-9), Math.floor(view.to_s / step_s + 1e-9)];
  axis.replaceChildren(
    ...Array.from({ length: last - first + 1 }, (_, i) => {
      const label = element("span", {}, `${((first + i) * step_s).toFixed(digits)} s`);
      label.style.left = `${view.part((first + i) * step_s) * 100}%`;
      return label;
    }),
  );
}

function drawFrequencies(gutter, highest_hz, { heightOf }, height) {
  const top = (hz) => height * (1 - heightOf(hz) / heightOf(highest_hz));
  let last = height + LINE_PX / 2;
  const labels = [];
  for (const hz of FREQUENCIES_HZ) {
    if (last - top(hz) < LINE_PX || top(hz) < LINE_PX / 2) continue;
    last = top(hz);
    const label = element("span", {}, hz < 1000 ? `${hz}` : `${hz / 1000}k`);
    label.style.top = `${last}px`;
    labels.push(label);
  }
  gutter.replaceChildren(element("span", { className: "unit" }, "Hz"), ...labels);
}
