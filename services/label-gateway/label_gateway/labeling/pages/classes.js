// The classes of the ontology, those used last at hand: nine behind the number keys, all by search.

import { Again } from "/static/again.js";
import { named } from "/static/element.js";
import * as api from "./api.js";
import { ClassTree, folded } from "./class-tree.js";
import { notify } from "./say.js";
import { keep, recall } from "./storage.js";

const KEYED = 9;
const REMEMBERED = 100;
const ADDED = "new "; // before the name: the id of a class that was added on this page

/**
 * A class is `{class_id, name, is_doubt, synonyms, parents}`, the last two where it has some. One that a person adds is there at once, under an id of its own until
 * the page is loaded again; `told` gives the server's ids. Emits "change" when the list or the keys change.
 */
export class Classes extends EventTarget {
  #list = [];
  #tree = new ClassTree([]);
  #suggested = []; // ids, the likeliest first
  #recent; // ids, the one used last first
  #uses; // id -> how often it was chosen
  #keyed; // ids, in the order of the number keys
  #untold; // names of classes that the server has not heard of yet
  #ids = new Map(); // name of a class that was added here -> the server's id
  #person;
  #again = new Again(() => this.#tell());

  constructor(labeler_id) {
    super();
    this.#person = labeler_id;
    this.#recent = recall(`escolta.recent.${labeler_id}`, []);
    this.#uses = recall(`escolta.uses.${labeler_id}`, {});
    this.#keyed = recall(`escolta.keyed.${labeler_id}`, []);
    this.#untold = recall(`escolta.untold.${labeler_id}`, []);
  }

  async load() {
    this.#become(await api.classes());
    this.#untold.forEach((name) => this.add(name));
    const current = (ids) =>
      ids
        .map((id) => this.#find(id)?.class_id ?? this.named(nameIn(id))?.class_id)
        .filter((id) => id !== undefined);
    this.#recent = current(this.#recent);
    const kept = current(this.#keyed);
    // The first of a tree of hundreds are nobody's classes: they get their keys as they are used.
    const loose = this.#named().filter(({ class_id }) => !this.#tree.holds(class_id));
    this.#keyed = filled(kept, [...kept, ...loose.map((it) => it.class_id)]);
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

  /**
   * Classes that `text` may mean, by their names, synonyms and what lies above them: what begins with it first; among
   * equals what is suggested, then what was used most and last. `[{it, synonym}]`, as the tree gives them.
   */
  search(text) {
    const place = (ids, id) => (ids.includes(id) ? ids.indexOf(id) : REMEMBERED);
    return this.#tree.search(text, (id) => [place(this.#suggested, id), -this.#used(id), place(this.#recent, id)]);
  }

  /** The names above a class, from the top. */
  way(class_id) {
    return this.#tree.way(class_id);
  }

  /** How many classes lie below one. */
  size(class_id) {
    return this.#tree.under(class_id).size;
  }

  /** The classes right below one (null: at the top): where something suggested lies first, then what was used most. */
  below(class_id) {
    const weighed = this.#tree.below(class_id).map((it) => {
      const ids = [it.class_id, ...this.#tree.under(it.class_id)];
      const suggested = this.#suggested.findIndex((id) => ids.includes(id));
      const uses = ids.reduce((sum, id) => sum + this.#used(id), 0);
      return { it, suggested: suggested < 0 ? REMEMBERED : suggested, uses };
    });
    return weighed.sort((a, b) => a.suggested - b.suggested || b.uses - a.uses).map(({ it }) => it);
  }

  /** Lets what the audio at hand probably is come first, the likeliest first: ids. */
  suggest(class_ids) {
    this.#suggested = class_ids;
  }

  /** The class that was used last; undefined: none was. */
  get last() {
    return this.#recent[0];
  }

  /** The class of exactly this name, or of this synonym, upper or lower case, however its accents are composed. */
  named(name) {
    const wanted = folded(name);
    const known = this.#list.find((it) => folded(it.name) === wanted);
    return known ?? this.#list.find((it) => it.synonyms?.some((other) => folded(other) === wanted)) ?? null;
  }

  /** The id that a class of the server's has here; others may have added it since the page was loaded. */
  meet(met) {
    const known = this.#find(met.class_id) ?? this.named(met.name);
    if (known) return known.class_id;
    this.#become([...this.#list, { ...met, is_doubt: false }]);
    this.#changed();
    return met.class_id;
  }

  /** The class of that name, a new one if need be: at hand at once, told to the server as soon as it answers. */
  add(name) {
    const found = this.named(name);
    if (found) return found;
    const clean = name.normalize("NFC").trim();
    const added = { class_id: ADDED + clean, name: clean, is_doubt: false };
    this.#become([...this.#list, added]);
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
    this.#uses = { ...this.#uses, [class_id]: this.#used(class_id) + 1 };
    keep(`escolta.uses.${this.#person}`, this.#uses);
    keep(`escolta.recent.${this.#person}`, this.#recent);
    keep(`escolta.keyed.${this.#person}`, this.#keyed);
    this.#changed();
  }

  #used(class_id) {
    return this.#uses[class_id] ?? 0;
  }

  #become(list) {
    this.#list = list;
    this.#tree = new ClassTree(list);
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
