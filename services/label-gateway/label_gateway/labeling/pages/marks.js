// The marks of one audio: what was heard from when to when. Every change can be undone.

const SHORTEST_S = 0.02; // less is a slip of the hand
const HALF_MS = 0.0005;

/**
 * A mark is `{id, onset_s, offset_s, class_ids}`; the list is in order of onset. `selected` is the id of
 * the mark that keys work on, or null. Emits "change" after each change.
 */
export class Marks extends EventTarget {
  list = [];
  selected = null;
  sticky = null; // the id of a class that each new mark gets, or null
  duration_s = 0; // of the audio
  #done = [];
  #undone = [];
  #run = null; // of moves, which the next move may go on with
  #ids = 0;

  /** Begins an audio, with the marks of a draft if there is one. */
  reset(duration_s, list = []) {
    this.duration_s = duration_s;
    this.#done = [];
    this.#undone = [];
    this.#run = null;
    this.list = list.map((mark) => ({
      ...mark,
      ...this.#room(mark.onset_s, mark.offset_s),
      id: ++this.#ids,
    }));
    this.selected = this.list[0]?.id ?? null;
    this.#changed();
  }

  get current() {
    return this.list.find((mark) => mark.id === this.selected) ?? null;
  }

  /** The shortest mark, in seconds; an audio may be shorter still, and is then marked whole. */
  get shortest_s() {
    return Math.min(SHORTEST_S, this.duration_s);
  }

  /** The place of a mark in the list, from 1. */
  number(id) {
    return this.list.findIndex((mark) => mark.id === id) + 1;
  }

  add(onset_s, offset_s, class_ids = this.sticky === null ? [] : [this.sticky]) {
    this.#remember();
    const mark = { id: ++this.#ids, ...this.#room(onset_s, offset_s), class_ids };
    this.list = inOrder([...this.list, mark]);
    this.selected = mark.id;
    this.#changed();
    return mark;
  }

  addWhole(class_ids) {
    return this.add(0, this.duration_s, class_ids);
  }

  /** Lets each new mark that nobody chooses a class for have this one; null: none. */
  stick(class_id) {
    this.sticky = class_id;
    this.#changed();
  }

  /**
   * Moves the onset, the offset or both; the edge that was not named stays where it is. False, and nothing changes,
   * where the mark would be shorter than the shortest, or its edge outside of the audio. Moves of a mark that follow
   * each other in the same `run` are one change: an edge that went by twenty steps comes back by one undo.
   */
  move(id, { onset_s, offset_s }, run = null) {
    const mark = this.list.find((it) => it.id === id);
    const span = this.#span(onset_s ?? mark.onset_s, offset_s ?? mark.offset_s);
    const fits = (edge_s) => edge_s === undefined || (0 <= edge_s && edge_s <= this.duration_s + HALF_MS);
    if (!fits(onset_s) || !fits(offset_s) || span.offset_s - span.onset_s < this.shortest_s - HALF_MS) return false;
    if (span.onset_s !== mark.onset_s || span.offset_s !== mark.offset_s) this.#replace({ ...mark, ...span }, run);
    return true;
  }

  /** Gives the mark a class, or takes it away; returns whether the mark has it now. */
  toggleClass(id, class_id) {
    const mark = this.list.find((it) => it.id === id);
    const has = mark.class_ids.includes(class_id);
    const class_ids = has ? mark.class_ids.filter((it) => it !== class_id) : [...mark.class_ids, class_id];
    this.#replace({ ...mark, class_ids });
    return !has;
  }

  /** Gives the mark those of these classes that it has not. */
  addClasses(id, class_ids) {
    const mark = this.list.find((it) => it.id === id);
    const missing = class_ids.filter((it) => !mark.class_ids.includes(it));
    if (missing.length) this.#replace({ ...mark, class_ids: [...mark.class_ids, ...missing] });
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
    this.#run = null;
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

  #replace(changed, run = null) {
    if (!run || this.#run !== `${changed.id} ${run}`) this.#remember();
    this.#run = run && `${changed.id} ${run}`;
    this.list = inOrder(this.list.map((mark) => (mark.id === changed.id ? changed : mark)));
    this.selected = changed.id;
    this.#changed();
  }

  // Inside the audio, in milliseconds.
  #span(onset_s, offset_s) {
    return { onset_s: this.#inside(onset_s), offset_s: this.#inside(offset_s) };
  }

  // The end is the end: rounded it could lie beyond, or at the beginning of an audio shorter than a millisecond.
  #inside(time_s) {
    const end_s = this.duration_s;
    return time_s >= end_s - HALF_MS ? (time_s <= 0 ? 0 : end_s) : Math.max(Math.round(time_s * 1000) / 1000, 0);
  }

  // As #span, and long enough: where there is too little room, the onset gives way.
  #room(onset_s, offset_s) {
    const from_s = this.#inside(onset_s);
    const to_s = this.#inside(Math.max(offset_s, from_s + this.shortest_s));
    return { onset_s: this.#inside(Math.min(from_s, to_s - this.shortest_s)), offset_s: to_s };
  }

  #remember() {
    this.#run = null;
    this.#done.push({ list: this.list, selected: this.selected });
    this.#undone = [];
  }

  #travel(from, to) {
    const then = from.pop();
    if (!then) return false;
    this.#run = null;
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

const inOrder = (list) =>
  list.toSorted((a, b) => a.onset_s - b.onset_s || a.offset_s - b.offset_s || a.id - b.id);

/** A lane for each mark, from 0: marks that overlap lie in different ones. `Map` of id -> lane. */
export function lanes(list) {
  const ends_s = []; // of the last mark in each lane
  const lane = new Map();
  for (const { id, onset_s, offset_s } of list) {
    const free = ends_s.findIndex((end_s) => end_s <= onset_s);
    lane.set(id, free < 0 ? ends_s.length : free);
    ends_s[lane.get(id)] = offset_s;
  }
  return lane;
}
