// The way of an audio over the desk: shown, labeled, submitted, and the next one at once.

import { Again } from "/static/again.js";
import { byId } from "/static/element.js";
import * as api from "./api.js";
import { drawLevel, drawRest, drawTask, drawUnsent, tellFault, tellRefusal, tellSilence, tellUnkept } from "./desk-view.js";
import { marksOf } from "./drafts.js";
import { atFirstTouch } from "./first-key.js";
import { keyOf } from "./outbox.js";
import { say, unsay } from "./say.js";

const SLOW_S = 3;
// What can be done with an audio that cannot be heard.
const UNHEARD = (
  "whole select selectNone remove undo redo choose addClass keyedClass suggestedClass sameAsLast doubt " +
  "find palette stick submit"
).split(" ");

// What can be done where no audio is left as well.
const BACK = ["undo", "last"];
const OPEN_AGAIN = " Open again: Enter says it anew, Ctrl Shift Z leaves it as it was.";

export class Desk {
  #person;
  #player;
  #marks;
  #classes;
  #suggestions;
  #outbox;
  #queue;
  #drafts;
  #task = null; // that on the desk
  #state = "rest"; // "loading", "ready", or "silent" where an audio is on the desk
  #fault = null; // why the server did not do what was asked last
  #submitted = 0;
  #isKnown = false; // the server has said what waits, since the last submission
  #hasLeft = false; // another tab does the work
  #isSure = false; // Enter was pressed once with nothing marked
  #isToldUnkept = false; // the browser keeps no draft
  #reopened = new Map(); // key of a task -> what was said of it
  #asked = 0;
  #again = new Again(() => this.sync());
  #endWaiting = () => {}; // for a touch that allows sound

  constructor({ person, player, marks, classes, suggestions, outbox, queue, drafts }) {
    this.#person = person;
    this.#player = player;
    this.#marks = marks;
    this.#classes = classes;
    this.#suggestions = suggestions;
    this.#outbox = outbox;
    this.#queue = queue;
    this.#drafts = drafts;
    marks.addEventListener("change", () => this.#marked());
    outbox.addEventListener("sent", ({ detail }) => (this.#person.done = detail.done));
    outbox.addEventListener("refused", ({ detail }) => this.#refused(detail));
  }

  /** Why an action would mean nothing now, in words; null where it means something. */
  hindrance(action) {
    if (BACK.includes(action) && this.#state !== "loading" && !this.#hasLeft) return null;
    if (this.#state === "rest") return "";
    if (this.#state === "loading") return "This audio is not here yet.";
    if (this.#state === "ready" || UNHEARD.includes(action)) return null;
    return "This audio cannot be played: give the whole a class, or Doubt, or try again.";
  }

  /** What the person said last, `[{task, events, settled}]`, the newest first; rejects where the server is away. */
  async last() {
    const unsent = this.#outbox.unsent(); // before the server is asked: what is sent meanwhile is in one of both
    const isUnsent = (audio) => unsent.some(({ task }) => keyOf(task) === keyOf(audio));
    const told = (await api.lastAudios()).filter((audio) => !isUnsent(audio) && !this.#queue.isOpenAgain(audio));
    return [
      ...unsent.map((said) => ({ ...said, settled: false })),
      ...told.map(({ events, settled, ...task }) => ({ task, events, settled })),
    ];
  }

  /** Opens an audio of `last()` again; the one at hand comes after it, as it is. */
  reopen({ task, events }) {
    this.#outbox.takeBack(task);
    if (!this.#drafts.recall(task).length) this.#drafts.keep(task, marksOf(events));
    this.#queue.reopen(task);
    this.#reopened.set(keyOf(task), inOrder(events));
    this.#next();
  }

  /** Goes on from an audio that was opened again and is as it was; false where there is none. */
  goOn() {
    const before = this.#task && this.#reopened.get(keyOf(this.#task));
    if (before === undefined || before !== inOrder(this.#marks.events())) return false;
    this.#isSure = true;
    this.submit();
    return true;
  }

  /** Says to the server what is marked, and shows the next audio without waiting for the answer. */
  submit() {
    const nameless = this.#marks.list.find((mark) => !mark.class_ids.length);
    if (nameless) {
      this.#marks.select(nameless.id);
      return say(`Mark ${this.#marks.number(nameless.id)} has no class yet: choose one, or delete the mark.`);
    }
    if (!this.#marks.list.length && !this.#isSure) {
      this.#isSure = true;
      return say("Nothing is marked. Press Enter once more if there is nothing to label here.");
    }
    if (!this.#outbox.put(this.#task, this.#marks.events())) tellUnkept();
    this.#drafts.forget(this.#task);
    this.#queue.finish();
    this.#submitted++;
    this.#isKnown = false;
    this.#next();
    this.sync();
  }

  /** Sends what is unsent, asks what waits, and shows it if the desk is empty; again until all of it is done. */
  async sync() {
    if (this.#hasLeft || this.#asked++) return; // the round that is under way goes on with another
    while (this.#asked) {
      this.#asked = 1;
      await this.#round();
      this.#asked--;
    }
    if (this.#hasLeft) return;
    if (this.#fault || !this.#task || this.#queue.current?.fault?.isPassing) this.#again.later(this.#fault?.after_s);
    else this.#again.done();
  }

  /** Leaves the work to another tab: nothing more is shown, sent or kept from here. */
  leave() {
    this.#hasLeft = true;
    this.#task = null;
    this.#state = "rest";
    this.#again.done();
    this.#endWaiting();
    this.#player.unload();
    for (const part of ["work", "rest", "notices"]) byId(part).hidden = true;
  }

  async #round() {
    const submitted = this.#submitted;
    this.#fault = await this.#exchange();
    if (this.#hasLeft) return;
    this.#isKnown ||= !this.#fault && submitted === this.#submitted;
    tellFault(this.#fault);
    if (!this.#task) this.#next();
    else if (this.#state === "silent" && !this.#queue.current.fault) this.#hear(this.#queue.current);
    drawUnsent(this.#outbox.size, this.#fault);
  }

  // What kept the server from doing what was asked, or null.
  async #exchange() {
    try {
      await api.confirm(this.#person.labeler_id);
      const [sent, seen] = await Promise.allSettled([this.#outbox.send(), this.#queue.look()]);
      return sent.reason ?? seen.reason ?? null;
    } catch (error) {
      return error;
    }
  }

  #next() {
    const item = this.#queue.current;
    this.#isSure = false;
    this.#endWaiting();
    unsay("audio");
    this.#player.unload();
    this.#task = item?.task ?? null;
    drawTask(this.#task);
    this.#suggestions.offer(this.#task);
    if (item) this.#show(item);
    else this.#rest();
  }

  #show(item) {
    const draft = this.#drafts.recall(item.task);
    const current = ({ class_ids, ...mark }) => ({
      ...mark,
      class_ids: class_ids.map((id) => this.#classes.current(id)),
    });
    this.#marks.reset(item.task.duration_s, draft.map(current));
    this.#hear(item);
  }

  async #hear(item) {
    const { task } = item;
    this.#enter("loading");
    const slow = setTimeout(() => say("Waiting for the server: this audio is not here yet."), SLOW_S * 1000);
    try {
      const audio = await item.audio;
      if (this.#task !== task) return; // another tab went on
      await this.#player.load(audio);
      if (this.#task !== task) return;
      const playing = this.#play(); // before anything is drawn: that takes as long as until the first sound
      playing.catch(() => {}); // it is awaited below
      this.#player.show(audio);
      drawLevel(audio);
      this.#enter("ready");
      unsay("audio");
      await playing;
    } catch (error) {
      if (this.#task === task) this.#silent(error, item);
    } finally {
      clearTimeout(slow);
    }
  }

  #enter(state) {
    this.#state = state;
    byId("stage").setAttribute("aria-busy", state !== "ready");
  }

  async #play() {
    const { place, of } = this.#task;
    const isAgain = this.#reopened.has(keyOf(this.#task));
    const title = `Audio ${place} of ${of}.${isAgain ? OPEN_AGAIN : ""}`;
    say(title);
    try {
      await this.#player.start();
    } catch (error) {
      if (error.name !== "NotAllowedError") throw error;
      say(`${title} Press any key to listen.`);
      this.#endWaiting = atFirstTouch(() => this.#player.play(0).then(() => say(title)));
    }
  }

  #silent(error, item) {
    item.fault ??= error;
    this.#enter("silent");
    say("");
    tellSilence(error, () => {
      unsay("audio");
      this.#queue.again();
      this.#hear(item);
    });
    if (error.isPassing) this.#again.later(error.after_s);
  }

  #rest() {
    this.#state = "rest";
    this.#marks.reset(0);
    drawRest({
      person: this.#person,
      unsent: this.#outbox.size,
      aside: this.#queue.aside,
      isKnown: this.#isKnown,
      fault: this.#fault,
    });
  }

  #marked() {
    this.#isSure = false;
    this.#player.loopOver(this.#marks.current);
    if (!this.#task || this.#drafts.keep(this.#task, this.#marks.list) || this.#isToldUnkept) return;
    this.#isToldUnkept = true; // once: every mark would say it again
    tellUnkept();
  }

  #refused(refusal) {
    const { task, events } = refusal;
    this.#drafts.keep(task, marksOf(events));
    this.#queue.putAside(task);
    tellRefusal(`refused-${keyOf(task)}`, refusal, () => {
      this.#queue.takeBack(task);
      this.sync();
    });
  }
}

// To tell whether the same is said, in whatever order.
const inOrder = (events) => JSON.stringify(events.map((it) => [it.onset_s, it.offset_s, it.class_id].join(" ")).sort());
