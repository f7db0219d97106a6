// The audios that wait for this person: the one at hand, and the next, fetched and decoded ahead.

import * as api from "./api.js";
import { fetchAudio } from "./audio.js";
import { keyOf } from "./outbox.js";

const AHEAD = 1;
const MOST_TASKS = 50; // that the server gives at once

export class Queue {
  #outbox;
  #items = []; // {task, audio: Promise of what fetchAudio gives}
  #finished = new Set(); // a list that the server made before our submission reached it still names these

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

  /** The server refused what was said of `task`: it waits again. */
  reopen(task) {
    this.#finished.delete(keyOf(task));
  }

  /** Asks the server what waits: more than we need, for what is unsent still waits in its eyes. */
  async look() {
    const waiting = await api.tasks(Math.min(1 + AHEAD + this.#outbox.size, MOST_TASKS));
    const isDone = (task) => this.#finished.has(keyOf(task)) || this.#outbox.has(task);
    const news = waiting.filter((task) => !isDone(task) && !this.#item(task));
    // The audio at hand stays at hand: there is work of the person's on it.
    const kept = this.#items.filter(
      (item, i) => i === 0 || waiting.some((task) => keyOf(task) === keyOf(item.task)),
    );
    const added = news.slice(0, 1 + AHEAD - kept.length).map((task) => ({ task, audio: fetched(task) }));
    this.#items = [...kept, ...added];
  }

  /** Fetches the audio at hand again. */
  again() {
    this.current.audio = fetched(this.current.task);
  }

  #item(task) {
    return this.#items.find((item) => keyOf(item.task) === keyOf(task));
  }
}

function fetched(task) {
  const audio = fetchAudio(task);
  audio.catch(() => {}); // whoever shows the audio hears of it
  return audio;
}
