// Plays audios, one at a time, by the player of the page.

import * as api from "./api.js";

/** Emits "forbidden" where the browser plays nothing before a click or a key, "fault" where it cannot. */
export class Sound extends EventTarget {
  #audio;
  #id = null;

  constructor(audio) {
    super();
    this.#audio = audio;
    audio.addEventListener("error", () => this.#id && this.dispatchEvent(new Event("fault")));
  }

  get isPlaying() {
    return !this.#audio.paused;
  }

  /** Has the audio at hand, without a sound. */
  load(audio_id) {
    if (audio_id === this.#id) return;
    this.#id = audio_id;
    this.#audio.src = api.soundOf(audio_id);
  }

  async play(audio_id) {
    this.load(audio_id);
    if (this.#audio.ended) this.#audio.currentTime = 0;
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.dispatchEvent(new Event("forbidden"));
      // AbortError: another audio came before the first sound of this one; any other fault is told by "error".
    }
  }

  pause() {
    this.#audio.pause();
  }
}
