// Plays one audio and draws it: a waveform, a spectrogram and a time axis, by wavesurfer.js.

import Regions from "./vendor/wavesurfer/regions.esm.js";
import Spectrogram from "./vendor/wavesurfer/spectrogram.esm.js";
import Timeline from "./vendor/wavesurfer/timeline.esm.js";
import WaveSurfer from "./vendor/wavesurfer/wavesurfer.esm.js";
import { theme, whenThemeChanges } from "./theme.js";

export const SPEEDS = [0.5, 0.75, 1, 1.5, 2];

/** Emits "loaded", "time" while the cursor moves, and "state" when playing, loop or speed changes. */
export class Player extends EventTarget {
  /** Whether the span at hand, or else the whole audio, is played round and round. */
  looping = false;
  #wave;
  #spectrogram;
  #span = null; // {onset_s, offset_s} of the mark at hand
  #stopAt_s = null;
  #hasAudio = false;

  constructor(container, axis) {
    super();
    this.#wave = WaveSurfer.create({
      container,
      height: 100,
      cursorWidth: 2,
      normalize: true,
      ...waveColors(),
    });
    this.regions = this.#wave.registerPlugin(Regions.create());
    this.#wave.registerPlugin(timeline(axis));
    this.#drawSpectrogram();
    whenThemeChanges(() => {
      this.#wave.setOptions(waveColors());
      this.#drawSpectrogram();
    });
    this.#wave.on("timeupdate", (time_s) => this.#reached(time_s));
    this.#wave.on("finish", () => this.looping && this.play(this.#loop().onset_s));
    for (const event of ["play", "pause", "finish"]) this.#wave.on(event, () => this.#emit("state"));
  }

  /** Shows `{blob, samples, duration_s}` in place of the audio before it. */
  async load({ blob, samples, duration_s }) {
    await this.#wave.loadBlob(blob, [samples], duration_s);
    this.#hasAudio = true;
    this.#emit("loaded");
    this.#emit("time");
  }

  /** The audio is done with; it stays on the screen until the next one is there. */
  unload() {
    this.#wave.pause();
    this.#stopAt_s = null;
    this.#hasAudio = false;
  }

  get duration_s() {
    return this.#hasAudio ? this.#wave.getDuration() : 0;
  }

  get cursor_s() {
    return this.#hasAudio ? this.#media.currentTime : 0;
  }

  set cursor_s(time_s) {
    this.#stopAt_s = null;
    // Not by wavesurfer.js (8.0.1), which forgets a seek that comes while another is under way.
    this.#media.currentTime = Math.min(Math.max(time_s, 0), this.duration_s);
  }

  get isPlaying() {
    return this.#wave.isPlaying();
  }

  get speed() {
    return this.#wave.getPlaybackRate();
  }

  set speed(speed) {
    this.#wave.setPlaybackRate(speed, true);
    this.#emit("state");
  }

  /** Plays from `from_s`, or from the cursor, to `to_s` or the end. Rejects where the browser forbids it. */
  async play(from_s = this.cursor_s, to_s = null) {
    if (!this.#hasAudio) return;
    const atEnd = from_s >= this.duration_s - 0.01;
    this.cursor_s = atEnd ? 0 : from_s;
    this.#stopAt_s = to_s;
    await this.#wave.play().catch((error) => {
      if (error.name !== "AbortError") throw error; // a pause came before the first sound
    });
  }

  pause() {
    this.#wave.pause();
  }

  /** The span that a loop goes round: that of the selected mark, or null for the whole audio. */
  loopOver(span) {
    this.#span = span;
  }

  setLooping(looping) {
    this.looping = looping;
    this.#emit("state");
  }

  get #media() {
    return this.#wave.getMediaElement();
  }

  #loop() {
    return this.#span ?? { onset_s: 0, offset_s: this.duration_s };
  }

  #reached(time_s) {
    this.#emit("time");
    if (!this.isPlaying) return;
    if (this.#stopAt_s !== null && time_s >= this.#stopAt_s && !this.looping) {
      this.pause();
      this.#stopAt_s = null;
    } else if (this.looping && this.#span && time_s >= this.#span.offset_s) {
      this.cursor_s = this.#span.onset_s;
    }
  }

  #drawSpectrogram() {
    this.#spectrogram?.destroy();
    const { spectrum, ink } = theme();
    this.#spectrogram = this.#wave.registerPlugin(
      Spectrogram.create({
        height: 190,
        fftSamples: 1024,
        scale: "mel",
        // The loudest bin is the brightest color: a quiet call is as visible as a loud one.
        autoGain: true,
        rangeDB: 70,
        colorMap: spectrum,
        labels: true,
        labelsBackground: "transparent",
        labelsColor: ink,
        labelsHzColor: ink,
        useWebWorker: true,
      }),
    );
  }

  #emit(name) {
    this.dispatchEvent(new Event(name));
  }
}

function waveColors() {
  const { wave, played, cursor } = theme();
  return { waveColor: wave, progressColor: played, cursorColor: cursor };
}

function timeline(container) {
  return Timeline.create({
    container,
    height: 18,
    timeInterval: 0.5,
    primaryLabelInterval: 1,
    secondaryLabelInterval: 20,
    formatTimeCallback: (seconds) => `${seconds} s`,
    style: "font-size: 11px; color: inherit",
  });
}
