// The marks of one audio: what was heard from when to when. Every change can be undone.

/** The shortest mark, in seconds: less is a slip of the hand. */
export const SHORTEST_S = 0.02;

/**
 * A mark is `{id, onset_s, offset_s, class_ids}`; the list is in order of onset. `selected` is the id of
 * the mark that keys work on, or null. Emits "change" after each change.
 */
export class Marks extends EventTarget {
  list = [];
  selected = null;
  #duration_s = 0;
  #done = [];
  #undone = [];
  #ids = 0;

  /** Begins an audio, with the marks of a draft if there is one. */
  reset(duration_s, list = []) {
    this.#duration_s = duration_s;
    this.#done = [];
    this.#undone = [];
    this.list = list.map((mark) => ({
      ...mark,
      ...this.#span(mark.onset_s, mark.offset_s),
      id: ++this.#ids,
    }));
    this.selected = this.list[0]?.id ?? null;
    this.#changed();
  }

  get current() {
    return this.list.find((mark) => mark.id === this.selected) ?? null;
  }

  /** The place of a mark in the list, from 1. */
  number(id) {
    return this.list.findIndex((mark) => mark.id === id) + 1;
  }

  add(onset_s, offset_s, class_ids = []) {
    this.#remember();
    const mark = { id: ++this.#ids, ...this.#span(onset_s, offset_s), class_ids };
    this.list = inOrder([...this.list, mark]);
    this.selected = mark.id;
    this.#changed();
    return mark;
  }

  addWhole(class_ids = []) {
    return this.add(0, this.#duration_s, class_ids);
  }

  /** Moves the onset, the offset or both; the edge that was not named stays where it is. */
  move(id, { onset_s, offset_s }) {
    const mark = this.list.find((it) => it.id === id);
    const span = this.#span(onset_s ?? mark.onset_s, offset_s ?? mark.offset_s, offset_s === undefined);
    if (span.onset_s === mark.onset_s && span.offset_s === mark.offset_s) return;
    this.#replace({ ...mark, ...span });
  }

  /** Gives the mark a class, or takes it away; returns whether the mark has it now. */
  toggleClass(id, class_id) {
    const mark = this.list.find((it) => it.id === id);
    const has = mark.class_ids.includes(class_id);
    const class_ids = has ? mark.class_ids.filter((it) => it !== class_id) : [...mark.class_ids, class_id];
    this.#replace({ ...mark, class_ids });
    return !has;
  }

  remove(id) {
    const place = this.list.findIndex((mark) => mark.id === id);
    this.#remember();
    this.list = this.list.filter((mark) => mark.id !== id);
    this.selected = (this.list[place] ?? this.list[place - 1])?.id ?? null;
    this.#changed();
  }

  select(id) {
    if (this.selected === id) return;
    this.selected = id;
    this.#changed();
  }

  /** Selects the mark `step` places on, round the ends. */
  selectBy(step) {
    if (!this.list.length) return;
    const place = this.list.findIndex((mark) => mark.id === this.selected);
    const from = place < 0 && step < 0 ? 0 : place;
    this.select(this.list[(from + step + this.list.length) % this.list.length].id);
  }

  /** Takes the last change back; false when there is none. */
  undo() {
    return this.#travel(this.#done, this.#undone);
  }

  /** Makes the change again that was taken back last; false when there is none. */
  redo() {
    return this.#travel(this.#undone, this.#done);
  }

  /** What is submitted: one event for each class of each mark. */
  events() {
    return this.list.flatMap(({ onset_s, offset_s, class_ids }) =>
      class_ids.map((class_id) => ({ class_id, onset_s, offset_s })),
    );
  }

  #replace(changed) {
    this.#remember();
    this.list = inOrder(this.list.map((mark) => (mark.id === changed.id ? changed : mark)));
    this.selected = changed.id;
    this.#changed();
  }

  // Inside the audio, in milliseconds, and never shorter than SHORTEST_S: the edge that moved gives way.
  #span(onset_s, offset_s, onsetMoved = false) {
    const end = this.#duration_s;
    let from = clamp(onset_s, 0, end);
    let to = clamp(offset_s, 0, end);
    if (to - from < SHORTEST_S) {
      if (onsetMoved) from = Math.max(to - SHORTEST_S, 0);
      to = Math.min(from + SHORTEST_S, end);
      from = Math.min(from, to - SHORTEST_S);
    }
    return { onset_s: milliseconds(from), offset_s: Math.min(milliseconds(to), end) };
  }

  #remember() {
    this.#done.push({ list: this.list, selected: this.selected });
    this.#undone = [];
  }

  #travel(from, to) {
    const then = from.pop();
    if (!then) return false;
    to.push({ list: this.list, selected: this.selected });
    this.list = then.list;
    this.selected = then.selected;
    this.#changed();
    return true;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const milliseconds = (value_s) => Math.round(value_s * 1000) / 1000;
const inOrder = (list) =>
  list.toSorted((a, b) => a.onset_s - b.onset_s || a.offset_s - b.offset_s || a.id - b.id);
