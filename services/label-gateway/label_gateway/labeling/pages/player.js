// Plays one audio: a WAV of its decoded samples, so that the time of the cursor is that of the sound.

import { Excerpt } from "./excerpt.js";

export const SPEEDS = [0.25, 0.5, 0.75, 1, 1.5, 2];

/** Emits "loaded", "time" while the cursor moves, and "state" when playing, loop or speed changes. */
export class Player extends EventTarget {
  /** Whether the span at hand, or else the whole audio, is played round and round. */
  looping = false;
  #picture;
  #view;
  #media = new Audio();
  #excerpt = new Excerpt();
  #span = null; // {onset_s, offset_s} of the mark at hand
  #stopAt_s = null;
  #duration_s = 0;
  #at_s = 0; // the cursor when it was looked at last

  constructor(picture, view) {
    super();
    this.#picture = picture;
    this.#view = view;
    for (const event of ["play", "pause", "ended"]) {
      this.#media.addEventListener(event, () => this.#emit("state"));
    }
    this.#media.addEventListener("play", () => this.#follow());
    this.#media.addEventListener("ended", () => this.looping && this.play(this.#loop().onset_s));
    // Also where frames are not drawn, as in a tab behind another.
    for (const event of ["seeked", "timeupdate"]) this.#media.addEventListener(event, () => this.#reached());
  }

  /** Has what fetchAudio gives ready to play, in place of the audio before it; `show` draws it. */
  async load(audio) {
    URL.revokeObjectURL(this.#media.src);
    this.#media.src = URL.createObjectURL(audio.blob);
    await new Promise((resolve, reject) => {
      this.#media.onloadeddata = resolve;
      this.#media.onerror = () => reject(new Error("The browser cannot play this audio."));
    });
    this.#duration_s = audio.duration_s;
    this.#excerpt.load(audio);
  }

  /** Draws the audio that was loaded last, from its beginning to its end. */
  show(audio) {
    this.#picture.show(audio);
    this.#view.reset(audio.duration_s);
    this.#emit("loaded");
    this.#emit("time");
  }

  /** The audio is done with; it stays on the screen until the next one is there. */
  unload() {
    this.pause();
    this.#stopAt_s = null;
    this.#duration_s = 0;
  }

  /** That of the decoded samples; 0 while there are none. */
  get duration_s() {
    return this.#duration_s;
  }

  get cursor_s() {
    return this.#duration_s ? Math.min(this.#media.currentTime, this.#duration_s) : 0;
  }

  set cursor_s(time_s) {
    this.#stopAt_s = null;
    this.#seek(time_s);
    this.#view.reveal(this.cursor_s);
  }

  #seek(time_s) {
    this.#media.currentTime = Math.min(Math.max(time_s, 0), this.#duration_s);
    this.#at_s = this.cursor_s;
    this.#emit("time");
  }

  get isPlaying() {
    return !this.#media.paused && !this.#media.ended;
  }

  get speed() {
    return this.#media.playbackRate;
  }

  set speed(speed) {
    this.#media.defaultPlaybackRate = speed; // of the audios that follow
    this.#media.playbackRate = speed;
    this.#emit("state");
  }

  /** Plays from `from_s`, or from the cursor, to `to_s` or the end. Rejects where the browser forbids it. */
  async play(from_s = this.cursor_s, to_s = null) {
    if (!this.#duration_s) return;
    this.#excerpt.stop();
    const atEnd = from_s >= this.#duration_s - 0.01;
    this.cursor_s = atEnd ? 0 : from_s;
    this.#stopAt_s = to_s;
    await this.#sound();
  }

  /** Plays the audio that was loaded last from its beginning: it is not in view yet. Rejects as `play` does. */
  async start() {
    this.#seek(0);
    await this.#sound();
  }

  async #sound() {
    await this.#media.play().catch((error) => {
      if (error.name !== "AbortError") throw error; // a pause came before the first sound
    });
  }

  pause() {
    this.#excerpt.stop();
    this.#media.pause();
  }

  /** Plays the 200 ms around a moment, in place of what is playing; a loop goes on, it has the moment in it. */
  hearAround(time_s) {
    if (this.isPlaying && this.looping) return;
    this.pause();
    this.#excerpt.play(time_s, this.speed);
  }

  /** The span that a loop goes round: that of the selected mark, or null for the whole audio. */
  loopOver(span) {
    this.#span = span;
  }

  setLooping(looping) {
    this.looping = looping;
    this.#emit("state");
  }

  #loop() {
    return this.#span ?? { onset_s: 0, offset_s: this.#duration_s };
  }

  #follow() {
    this.#reached();
    if (this.isPlaying) requestAnimationFrame(() => this.#follow());
  }

  #reached() {
    this.#emit("time");
    if (!this.isPlaying) return;
    this.#keepInView();
    if (this.#stopAt_s !== null && this.cursor_s >= this.#stopAt_s && !this.looping) {
      this.pause();
      this.cursor_s = this.#stopAt_s;
    } else if (this.looping && this.#span && this.cursor_s >= this.#span.offset_s) {
      this.#seek(this.#span.onset_s);
    }
  }

  // The view goes on as the cursor leaves it, but not where a person has looked away from it.
  #keepInView() {
    const isInView = (time_s) => this.#view.from_s <= time_s && time_s <= this.#view.to_s;
    if (isInView(this.#at_s)) this.#view.reveal(this.cursor_s);
    this.#at_s = this.cursor_s;
  }

  #emit(name) {
    this.dispatchEvent(new Event(name));
  }
}
