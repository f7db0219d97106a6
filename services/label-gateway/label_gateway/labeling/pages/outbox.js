// What was submitted and has not reached the server yet. It is kept by the browser until it has.

import * as api from "./api.js";
import { forget, keep, names, recall } from "./storage.js";

/** What tells one task from another. */
export const keyOf = ({ iteration_id, audio_id }) => `${iteration_id}.${audio_id}`;

/**
 * Emits "sent" with the server's answer as detail, and "refused" with `{task, events, reason}` when the server will
 * not have it; that is then out of the way of the others.
 */
export class Outbox extends EventTarget {
  #classes;
  #prefix;
  #waiting = new Map(); // key -> {task, events}

  constructor(labeler_id, classes) {
    super();
    this.#classes = classes;
    this.#prefix = `escolta.unsent.${labeler_id}.`;
    for (const name of names(this.#prefix)) {
      const unsent = recall(name);
      // What is no submission (another program wrote it, or half of it was lost) must not stop those behind it.
      if (unsent?.task && unsent.events) this.#waiting.set(name.slice(this.#prefix.length), unsent);
      else console.warn(`${name} in this browser's storage is no submission: it is left there, unsent.`);
    }
  }

  get size() {
    return this.#waiting.size;
  }

  /** Of the tasks that are unsent, by `keyOf`. */
  keys() {
    return this.#waiting.keys();
  }

  /** What is unsent, `[{task, events}]`, the newest first. */
  unsent() {
    return [...this.#waiting.values()].reverse();
  }

  /** `task` is open again: what was said of it is not sent any longer. */
  takeBack(task) {
    this.#remove(keyOf(task));
  }

  /** False where the browser does not keep it: it is lost with the page unless it is sent before. */
  put(task, events) {
    this.#waiting.set(keyOf(task), { task, events });
    return keep(this.#prefix + keyOf(task), { task, events });
  }

  /**
   * Sends everything, in order. Rejects with the first `ApiError` that another attempt may mend; one audio on which
   * the server stumbles does not hold up the others.
   */
  async send() {
    let fault = null;
    for (const [key, said] of this.#waiting) {
      // Opened again on its way, it may be gone by now, or something else may be said in its place.
      const isStillSaid = () => this.#waiting.get(key) === said;
      try {
        const answer = await api.submit(said.task, await this.#classes.told(said.events));
        if (isStillSaid()) this.#remove(key);
        this.dispatchEvent(new CustomEvent("sent", { detail: answer }));
      } catch (error) {
        if (error.status === 0 || error.status === 401) throw error;
        if (error.isPassing) fault ??= error;
        else if (isStillSaid()) this.#refused(key, error.message);
      }
    }
    if (fault) throw fault;
  }

  #refused(key, reason) {
    const { task, events } = this.#waiting.get(key);
    this.#remove(key);
    this.dispatchEvent(new CustomEvent("refused", { detail: { task, events, reason } }));
  }

  #remove(key) {
    this.#waiting.delete(key);
    forget(this.#prefix + key);
  }
}
