// The classes of the ontology, those used last at hand: nine behind the number keys, all by search.

import * as api from "./api.js";
import { keep, recall } from "./kept.js";

const KEYED = 9;
const REMEMBERED = 100;

/** Emits "change" when the list or the keys change. */
export class Classes extends EventTarget {
  #list = [];
  #recent; // ids, the one used last first
  #keyed; // ids, in the order of the number keys
  #person;

  constructor(labeler_id) {
    super();
    this.#person = labeler_id;
    this.#recent = recall(`escolta.recent.${labeler_id}`, []);
    this.#keyed = recall(`escolta.keyed.${labeler_id}`, []);
  }

  async load() {
    this.#list = await api.classes();
    this.#keyed = filled(
      this.#keyed,
      this.#named().map((it) => it.class_id),
    );
    this.#changed();
  }

  /** The classes behind the number keys, 1 first. */
  get keyed() {
    return this.#keyed.map((id) => this.#find(id));
  }

  get doubt() {
    return this.#list.find((it) => it.is_doubt) ?? null;
  }

  name(class_id) {
    return this.#find(class_id)?.name ?? "unknown class";
  }

  has(class_id) {
    return this.#find(class_id) !== undefined;
  }

  /** Classes whose name holds `text`: those that begin with it first, then those used last. */
  search(text) {
    const wanted = text.trim().toLowerCase();
    const place = (it) => {
      const recent = this.#recent.indexOf(it.class_id);
      return recent < 0 ? REMEMBERED : recent;
    };
    const late = (it) => (it.name.toLowerCase().startsWith(wanted) ? 0 : 1);
    return this.#list
      .filter((it) => it.name.toLowerCase().includes(wanted))
      .toSorted((a, b) => late(a) - late(b) || place(a) - place(b) || a.name.localeCompare(b.name));
  }

  /** The class of exactly this name, upper or lower case. */
  named(name) {
    return this.#list.find((it) => it.name.toLowerCase() === name.trim().toLowerCase()) ?? null;
  }

  async add(name) {
    const added = await api.addClass(name.trim());
    if (!this.has(added.class_id)) this.#list = [...this.#list, added];
    this.#changed();
    return added;
  }

  /** Notes that a class was used just now. */
  use(class_id) {
    this.#recent = [class_id, ...this.#recent.filter((id) => id !== class_id)].slice(0, REMEMBERED);
    if (!this.#find(class_id).is_doubt) this.#keyed = withUsed(this.#keyed, this.#recent);
    keep(`escolta.recent.${this.#person}`, this.#recent);
    keep(`escolta.keyed.${this.#person}`, this.#keyed);
    this.#changed();
  }

  #named() {
    return this.#list.filter((it) => !it.is_doubt);
  }

  #find(class_id) {
    return this.#list.find((it) => it.class_id === class_id);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** The keys with those of `ids` that have none yet behind the free ones; classes that are gone leave. */
export function filled(keyed, ids) {
  const kept = keyed.filter((id) => ids.includes(id));
  return [...kept, ...ids.filter((id) => !kept.includes(id))].slice(0, KEYED);
}

/**
 * The keys after `recent[0]` was used. A class keeps its key while it has one, so that fingers can learn
 * it; a class without a key takes a free one, or that of the class which was not used for longest.
 */
export function withUsed(keyed, recent) {
  const [used] = recent;
  if (keyed.includes(used)) return keyed;
  if (keyed.length < KEYED) return [...keyed, used];
  const age = (id) => (recent.includes(id) ? recent.indexOf(id) : Infinity);
  const oldest = keyed.reduce((a, b) => (age(b) >= age(a) ? b : a));
  return keyed.map((id) => (id === oldest ? used : id));
}
