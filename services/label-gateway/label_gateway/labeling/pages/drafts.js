// The marks of an audio that is not submitted yet, kept by the browser: a reload loses nothing.

import { forget, keep, recall } from "./storage.js";
import { keyOf } from "./outbox.js";

export class Drafts {
  #prefix;

  constructor(labeler_id) {
    this.#prefix = `escolta.draft.${labeler_id}.`;
  }

  /** False where the browser does not keep it: it is lost with the page. */
  keep(task, marks) {
    const list = marks.map(({ onset_s, offset_s, class_ids }) => ({ onset_s, offset_s, class_ids }));
    if (list.length) return keep(this.#prefix + keyOf(task), list);
    this.forget(task);
    return true;
  }

  /** The marks of a task's draft; none where there is no draft. */
  recall(task) {
    return recall(this.#prefix + keyOf(task), []);
  }

  forget(task) {
    forget(this.#prefix + keyOf(task));
  }
}

/** The marks that would be submitted as `events`. */
export function marksOf(events) {
  const marks = new Map();
  for (const { class_id, onset_s, offset_s } of events) {
    const span = `${onset_s} ${offset_s}`;
    const mark = marks.get(span) ?? { onset_s, offset_s, class_ids: [] };
    mark.class_ids.push(class_id);
    marks.set(span, mark);
  }
  return [...marks.values()];
}
