// The audio drawn: a waveform over a spectrogram, with the seconds above and the frequencies beside them.

import { element } from "/static/element.js";
import { melOf, spectrogram } from "./spectrum.js";
import { theme, whenThemeChanges } from "./theme.js";

const ROOM_PX = 52; // between two labels of the time axis
const LINE_PX = 14; // between two of the frequency axis
const STEPS_S = [1e-5, 1e-4, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20];
const FREQUENCIES_HZ = [1, 10, 100, 1_000, 10_000].flatMap((tens) => [tens, 2 * tens, 5 * tens]);

/** Draws into `plot`, which holds two canvases, and into the gutters `axis` (time) and `frequencies`. */
export class Picture {
  #plot;
  #axis;
  #frequencies;
  #audio = null;
  #drawn = ""; // the size that the canvases were drawn for

  constructor(plot, axis, frequencies) {
    this.#plot = plot;
    this.#axis = axis;
    this.#frequencies = frequencies;
    whenThemeChanges(() => this.#draw());
    new ResizeObserver(() => this.#size() !== this.#drawn && this.#draw()).observe(plot);
  }

  /** Shows `{samples, rate_hz, highest_hz, duration_s}` in place of the audio before it. */
  show(audio) {
    this.#audio = audio;
    this.#draw();
  }

  #size() {
    return `${this.#plot.clientWidth} ${devicePixelRatio}`;
  }

  #draw() {
    if (!this.#audio || !this.#plot.clientWidth) return;
    this.#drawn = this.#size();
    const [wave, spectrum] = this.#plot.querySelectorAll("canvas");
    for (const canvas of [wave, spectrum]) {
      canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
      canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    }
    const { duration_s, highest_hz } = this.#audio;
    drawWave(wave, this.#audio);
    drawSpectrum(spectrum, this.#audio);
    drawTimes(this.#axis, duration_s, this.#plot.clientWidth);
    drawFrequencies(this.#frequencies, highest_hz, spectrum.clientHeight);
  }
}

// From the lowest to the highest sample of each pixel of time; the loudest sample fills the height.
function drawWave(canvas, { samples }) {
  const { width, height } = canvas;
  const pen = canvas.getContext("2d");
  pen.fillStyle = theme().wave;
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) || 1;
  const y = (sample) => (1 - sample / peak) * 0.5 * (height - 1);
  for (let x = 0; x < width; x++) {
    const first = Math.floor((x / width) * samples.length);
    const end = Math.max(Math.floor(((x + 1) / width) * samples.length), first + 1);
    let [low, high] = [Infinity, -Infinity];
    for (let i = first; i < end; i++) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    pen.fillRect(x, y(high), 1, y(low) - y(high) + 1);
  }
}

function drawSpectrum(canvas, { samples, rate_hz, highest_hz }) {
  const { width, height } = canvas;
  const colors = theme().spectrum;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const levels = spectrogram(samples, rate_hz, highest_hz, width, height);
  levels.forEach((level, i) => (pixels[i] = colors[level]));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function drawTimes(axis, duration_s, width) {
  const step_s = STEPS_S.find((it) => (it / duration_s) * width >= ROOM_PX) ?? 60;
  const digits = Math.max(0, -Math.floor(Math.log10(step_s)));
  const count = Math.floor(duration_s / step_s + 1e-9) + 1;
  axis.replaceChildren(
    ...Array.from({ length: count }, (_, i) => {
      const label = element("span", {}, `${(i * step_s).toFixed(digits)} s`);
      label.style.left = `${((i * step_s) / duration_s) * 100}%`;
      return label;
    }),
  );
}

function drawFrequencies(gutter, highest_hz, height) {
  const top = (hz) => height * (1 - melOf(hz) / melOf(highest_hz));
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
