// The classes of the ontology, those used last at hand: nine behind the number keys, all by search.

import { Again } from "/static/again.js";
import { named } from "/static/element.js";
import * as api from "./api.js";
import { keep, recall } from "./kept.js";
import { notify } from "./say.js";

const KEYED = 9;
const REMEMBERED = 100;
const ADDED = "new "; // before the name: the id of a class that was added on this page

/**
 * A class is `{class_id, name, is_doubt}`. One that a person adds is there at once, under an id of its own until
 * the page is loaded again; `told` gives the server's ids. Emits "change" when the list or the keys change.
 */
export class Classes extends EventTarget {
  #list = [];
  #recent; // ids, the one used last first
  #keyed; // ids, in the order of the number keys
  #untold; // names of classes that the server has not heard of yet
  #ids = new Map(); // name of a class that was added here -> the server's id
  #person;
  #again = new Again(() => this.#tell());

  constructor(labeler_id) {
    super();
    this.#person = labeler_id;
    this.#recent = recall(`escolta.recent.${labeler_id}`, []);
    this.#keyed = recall(`escolta.keyed.${labeler_id}`, []);
    this.#untold = recall(`escolta.untold.${labeler_id}`, []);
  }

  async load() {
    this.#list = await api.classes();
    this.#untold.forEach((name) => this.add(name));
    const current = (ids) => ids.map((id) => this.#find(id)?.class_id ?? this.named(nameIn(id))?.class_id);
    this.#recent = current(this.#recent).filter((id) => id !== undefined);
    this.#keyed = filled(
      current(this.#keyed),
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

  /** The id that `text` is, as an attribute of an element has it. */
  at(text) {
    return this.#list.find((it) => `${it.class_id}` === text)?.class_id;
  }

  /** Classes whose name holds `text`: those that begin with it first, then those used last. */
  search(text) {
    const wanted = folded(text);
    const place = (it) => {
      const recent = this.#recent.indexOf(it.class_id);
      return recent < 0 ? REMEMBERED : recent;
    };
    const late = (it) => (folded(it.name).startsWith(wanted) ? 0 : 1);
    return this.#list
      .filter((it) => folded(it.name).includes(wanted))
      .toSorted((a, b) => late(a) - late(b) || place(a) - place(b) || a.name.localeCompare(b.name));
  }

  /** The class of exactly this name, upper or lower case, however its accents are composed. */
  named(name) {
    return this.#list.find((it) => folded(it.name) === folded(name)) ?? null;
  }

  /** The class of that name, a new one if need be: at hand at once, told to the server as soon as it answers. */
  add(name) {
    const found = this.named(name);
    if (found) return found;
    const clean = name.normalize("NFC").trim();
    const added = { class_id: ADDED + clean, name: clean, is_doubt: false };
    this.#list = [...this.#list, added];
    this.#keepUntold([...new Set([...this.#untold, clean])]);
    this.#changed();
    this.#tell();
    return added;
  }

  /** The id that the class of a draft has by now. */
  current(class_id) {
    return typeof class_id === "number" ? class_id : this.add(nameIn(class_id)).class_id;
  }

  /** `events` as the server takes them. Rejects with an `ApiError` where it does not take a class. */
  async told(events) {
    const told = new Map();
    for (const { class_id, onset_s, offset_s } of events) {
      const event = { class_id: await this.#idOf(class_id), onset_s, offset_s };
      told.set(JSON.stringify(event), event);
    }
    return [...told.values()];
  }

  async #idOf(class_id) {
    if (typeof class_id === "number") return class_id;
    const name = nameIn(class_id);
    if (!this.#ids.has(name)) {
      this.#ids.set(name, (await api.addClass(name)).class_id);
      this.#keepUntold(this.#untold.filter((it) => it !== name));
    }
    return this.#ids.get(name);
  }

  async #tell() {
    for (const name of this.#untold) {
      try {
        await this.#idOf(ADDED + name);
      } catch (error) {
        if (error.isPassing || error.status === 401) return this.#again.later(error.after_s);
        this.#keepUntold(this.#untold.filter((it) => it !== name));
        const why = `” was not added: ${error.message} Give its marks another one.`;
        notify("class", ["The class “", named(name), why]);
      }
    }
    this.#again.done();
  }

  #keepUntold(names) {
    this.#untold = names;
    keep(`escolta.untold.${this.#person}`, names);
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

const nameIn = (class_id) => `${class_id}`.slice(ADDED.length);
const folded = (name) => name.normalize("NFC").trim().toLowerCase();

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
