// The way of an audio over the desk: shown, labeled, submitted, and the next one at once.

import { marksOf } from "./drafts.js";
import { byId, element } from "/static/element.js";
import { notify, say, unsay } from "./say.js";

const FIRST_PAUSE_S = 2;
const LONGEST_PAUSE_S = 30;

export class Desk {
  #person;
  #player;
  #marks;
  #outbox;
  #queue;
  #drafts;
  #task = null; // that on the desk
  #fault = null; // why the server did not do what was asked last
  #isSure = false; // Enter was pressed once with nothing marked
  #asked = 0;
  #pause_s = FIRST_PAUSE_S;
  #timer = null;

  constructor({ person, player, marks, outbox, queue, drafts }) {
    this.#person = person;
    this.#player = player;
    this.#marks = marks;
    this.#outbox = outbox;
    this.#queue = queue;
    this.#drafts = drafts;
    marks.addEventListener("change", () => this.#marked());
    outbox.addEventListener("change", () => this.#drawOutbox());
    outbox.addEventListener("sent", ({ detail }) => (this.#person.done = detail.done));
    outbox.addEventListener("refused", ({ detail }) => this.#refused(detail));
    for (const [source, event] of [
      [document, "visibilitychange"],
      [window, "online"],
    ]) {
      source.addEventListener(event, () => document.visibilityState === "visible" && this.sync());
    }
  }

  get duration_s() {
    return this.#task?.duration_s ?? 0;
  }

  /** Says to the server what is marked, and shows the next audio without waiting for the answer. */
  submit() {
    if (!this.#task) return;
    const nameless = this.#marks.list.find((mark) => !mark.class_ids.length);
    if (nameless) {
      this.#marks.select(nameless.id);
      return say(`Mark ${this.#marks.number(nameless.id)} has no class yet: choose one, or delete the mark.`);
    }
    if (!this.#marks.list.length && !this.#isSure) {
      this.#isSure = true;
      return say("Nothing is marked. Press Enter once more if there is nothing to label here.");
    }
    this.#outbox.put(this.#task, this.#marks.events());
    this.#drafts.forget(this.#task);
    this.#queue.finish();
    this.#next();
    this.sync();
  }

  /** Sends what is unsent, asks what waits, and shows it if the desk is empty. */
  async sync() {
    clearTimeout(this.#timer);
    if (this.#asked++) return; // the round that is under way goes on with another
    while (this.#asked) {
      this.#asked = 1;
      await this.#round();
      this.#asked--;
    }
  }

  async #round() {
    try {
      await this.#outbox.send();
      await this.#queue.look();
      this.#hear(this.#outbox.fault);
    } catch (error) {
      this.#hear(error);
    }
    if (!this.#task) this.#next();
  }

  #next() {
    const item = this.#queue.current;
    if (item) this.#show(item);
    else this.#rest();
  }

  async #show(item) {
    const { task } = item;
    this.#task = task;
    this.#isSure = false;
    this.#pause_s = FIRST_PAUSE_S;
    this.#drawTask();
    this.#player.unload();
    this.#marks.reset(task.duration_s, this.#drafts.recall(task));
    try {
      const audio = await item.audio;
      if (this.#task !== task) return; // submitted unheard
      await this.#player.load(audio);
      byId("stage").setAttribute("aria-busy", "false");
      unsay("audio");
      await this.#play();
    } catch (error) {
      if (this.#task === task) this.#silent(error, item);
    }
  }

  async #play() {
    const { place, of } = this.#task;
    const title = `Audio ${place} of ${of}.`;
    say(title);
    try {
      await this.#player.play(0);
    } catch (error) {
      if (error.name !== "NotAllowedError") throw error;
      // The browser plays nothing until the person has touched the page.
      say(`${title} Press any key to listen.`);
      const start = ({ key }) => key !== " " && this.#player.play(0).catch(() => {});
      document.addEventListener("keydown", start, { once: true, capture: true });
    }
  }

  #silent(error, item) {
    const again = element("button", { type: "button" }, "Try again");
    again.addEventListener("click", () => {
      unsay("audio");
      this.#queue.again();
      this.#show(item);
    });
    notify(
      "audio",
      `This audio cannot be played: ${error.message} You can also give it Doubt and go on.`,
      again,
    );
  }

  #rest() {
    this.#task = null;
    this.#player.unload();
    this.#marks.reset(0);
    this.#drawTask();
    this.#drawRest();
    this.#timer = setTimeout(() => this.sync(), this.#pause_s * 1000);
    this.#pause_s = Math.min(this.#pause_s * 1.5, LONGEST_PAUSE_S);
  }

  #marked() {
    this.#isSure = false;
    this.#player.loopOver(this.#marks.current);
    if (this.#task) this.#drafts.keep(this.#task, this.#marks.list);
  }

  #refused({ task, events, reason }) {
    this.#drafts.keep(task, marksOf(events));
    this.#queue.reopen(task);
    const close = element("button", { type: "button" }, "Close");
    close.addEventListener("click", () => unsay("refused"));
    notify(
      "refused",
      `“${task.file_name}” was not taken: ${reason} Its marks are kept in this browser.`,
      close,
    );
  }

  // What stands in the way: nobody is signed in any more, or the server is away.
  #hear(error) {
    this.#fault = error;
    unsay("session");
    unsay("server");
    if (error?.status === 401) {
      const link = element("a", { href: "/sign-in" }, "Sign in");
      notify("session", "You are signed out. Your work is kept in this browser.", link);
    } else if (error) notify("server", `${error.message} Your work is kept in this browser and sent later.`);
  }

  #drawTask() {
    const task = this.#task;
    byId("work").hidden = !task;
    byId("rest").hidden = Boolean(task);
    if (!task) return say("");
    byId("stage").setAttribute("aria-busy", "true");
    byId("place").textContent = `Audio ${task.place} of ${task.of}`;
    byId("facts").textContent =
      `${task.file_name} · ${task.duration_s.toFixed(1)} s · ${task.rate_hz / 1000} kHz`;
    byId("progress").max = task.of;
    byId("progress").value = task.place - 1;
  }

  #drawRest() {
    const { group, done } = this.#person;
    const { size } = this.#outbox;
    let fact = done === 1 ? "You have labeled one audio so far." : `You have labeled ${done} audios so far.`;
    if (!group) fact = "You are in no group yet: your lead puts you into one.";
    if (size) fact = `Not sent yet: ${size}.`;
    byId("rest-title").textContent = this.#fault ? "Waiting for the server" : "Nothing left to label";
    byId("rest-facts").textContent = fact;
  }

  #drawOutbox() {
    const { size, fault } = this.#outbox;
    byId("unsent").textContent = size && fault ? `${size} not sent yet, trying again` : "";
    this.#drawRest();
  }
}
