// What was submitted and has not reached the server yet. It is kept by the browser until it has.

import * as api from "./api.js";
import { forget, keep, names, recall } from "./kept.js";

const FIRST_PAUSE_S = 1;
const LONGEST_PAUSE_S = 30;

/** What tells one task from another. */
export const keyOf = ({ iteration_id, audio_id }) => `${iteration_id}.${audio_id}`;

/**
 * Emits "change" when something comes in, goes out or fails; "sent" with the server's answer as detail;
 * "refused" with `{task, events, reason}` when the server will not have it.
 */
export class Outbox extends EventTarget {
  /** Why the last attempt failed, or null. */
  fault = null;
  #prefix;
  #waiting = new Map(); // key -> {task, events}
  #pause_s = FIRST_PAUSE_S;
  #timer = null;
  #sending = null;

  constructor(labeler_id) {
    super();
    this.#prefix = `escolta.unsent.${labeler_id}.`;
    for (const name of names(this.#prefix)) this.#waiting.set(name.slice(this.#prefix.length), recall(name));
    window.addEventListener("online", () => this.send());
  }

  get size() {
    return this.#waiting.size;
  }

  has(task) {
    return this.#waiting.has(keyOf(task));
  }

  put(task, events) {
    this.#waiting.set(keyOf(task), { task, events });
    keep(this.#prefix + keyOf(task), { task, events });
    this.#changed();
  }

  /** Sends everything, in order; what fails is tried again by itself, with growing pauses. */
  send() {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null));
    return this.#sending;
  }

  async #sendAll() {
    clearTimeout(this.#timer);
    for (const [key, { task, events }] of this.#waiting) {
      try {
        const answer = await api.submit(task, events);
        this.#remove(key);
        this.dispatchEvent(new CustomEvent("sent", { detail: answer }));
      } catch (error) {
        if (error.isPassing || error.status === 401) return this.#later(error);
        this.#remove(key);
        this.dispatchEvent(new CustomEvent("refused", { detail: { task, events, reason: error.message } }));
      }
    }
    this.fault = null;
    this.#pause_s = FIRST_PAUSE_S;
    this.#changed();
  }

  #later(error) {
    this.fault = error;
    this.#timer = setTimeout(() => this.send(), this.#pause_s * 1000);
    this.#pause_s = Math.min(this.#pause_s * 2, LONGEST_PAUSE_S);
    this.#changed();
  }

  #remove(key) {
    this.#waiting.delete(key);
    forget(this.#prefix + key);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
