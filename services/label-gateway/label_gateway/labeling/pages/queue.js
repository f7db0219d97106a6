// The audios that wait for this person: the one at hand, and the next, fetched and decoded ahead.

import * as api from "./api.js";
import { fetchAudio } from "./audio.js";
import { keyOf } from "./outbox.js";

const AHEAD = 1;
const MOST_TASKS = 50; // that the server gives at once

export class Queue {
  #outbox;
  #items = []; // {task, audio: Promise of what fetchAudio gives, fault: why it failed}
  #finished = new Set(); // a list that the server made before our submission reached it still names these
  #aside = new Set(); // and it names these, which it refused, for as long as they wait
  /** How many of those put aside still wait. */
  aside = 0;

  constructor(outbox) {
    this.#outbox = outbox;
  }

  /** The audio at hand, `{task, audio}`, or null. */
  get current() {
    return this.#items[0] ?? null;
  }

  /** The person is done with the audio at hand. */
  finish() {
    this.#finished.add(keyOf(this.current.task));
    this.#items.shift();
  }

  /** `task`, of which the person has said something already, comes before the audio at hand. */
  reopen(task) {
    const item = this.#item(task) ?? { task };
    item.isReopened = true; // the server does not wait for it
    this.#finished.delete(keyOf(task));
    this.#items = [item, ...this.#items.filter((it) => it !== item)];
    if (!item.audio || item.fault) fetchInto(item);
  }

  /** Whether the audio was opened again, and is not done. */
  isOpenAgain(audio) {
    return this.#item(audio)?.isReopened ?? false;
  }

  /** The server refused what was said of `task`: it makes room for the others. */
  putAside(task) {
    this.#finished.add(keyOf(task));
    this.#aside.add(keyOf(task));
  }

  /** `task` waits again. */
  takeBack(task) {
    this.#finished.delete(keyOf(task));
    this.#aside.delete(keyOf(task));
  }

  /** Asks the server what waits: more than we need, for what is unsent or put aside still waits in its eyes. */
  async look() {
    const unwanted = this.#outbox.size + this.#aside.size;
    for (const key of this.#outbox.keys()) this.#finished.add(key);
    const waiting = await api.tasks(Math.min(1 + AHEAD + unwanted, MOST_TASKS));
    this.aside = waiting.filter((task) => this.#aside.has(keyOf(task))).length;
    const news = waiting.filter((task) => !this.#finished.has(keyOf(task)) && !this.#item(task));
    // The audio at hand stays at hand: there is work of the person's on it.
    const kept = this.#items.filter(
      (item, i) => i === 0 || item.isReopened || waiting.some((task) => keyOf(task) === keyOf(item.task)),
    );
    this.#items = [...kept, ...news.slice(0, Math.max(1 + AHEAD - kept.length, 0)).map((task) => ({ task }))];
    for (const item of this.#items) if (!item.audio || item.fault?.isPassing) fetchInto(item);
  }

  /** Fetches the audio at hand again. */
  again() {
    fetchInto(this.current);
  }

  #item(task) {
    return this.#items.find((item) => keyOf(item.task) === keyOf(task));
  }
}

function fetchInto(item) {
  item.fault = null;
  item.audio = fetchAudio(item.task);
  item.audio.catch((error) => (item.fault = error)); // whoever shows the audio hears of it too
}
