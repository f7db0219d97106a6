// The ontology as a tree, and the search through it by names, synonyms and what lies above.

/** For comparing names: composed alike, in small letters. */
export const folded = (name) => name.normalize("NFC").trim().toLowerCase();

const wordsOf = (text) => text.split(/[^\p{L}\p{N}\p{M}]+/u).filter(Boolean);
const alphabet = new Intl.Collator();

// How well a name fits what is typed; 0 is best, and so on.
const [BEGINS, WORD_BEGINS, HOLDS, SYNONYM, WORDS, ABOVE] = [0, 1, 2, 3, 4, 5];

/** Made anew where the list changes. A class lies below several others, below one, or at the top. */
export class ClassTree {
  // class_id -> {it, name, words, synonyms, names, above, below}: `names` of all above; ids of those right above, below.
  #entries = new Map();
  #alphabetic;

  constructor(list) {
    for (const it of list) {
      const [name, synonyms] = [folded(it.name), (it.synonyms ?? []).map(folded)];
      const words = ` ${wordsOf(name).join(" ")}`;
      this.#entries.set(it.class_id, { it, name, words, synonyms, above: [], below: [] });
    }
    for (const { class_id, parents = [] } of list)
      for (const parent of parents.filter((id) => this.#entries.has(id))) {
        this.#entries.get(class_id).above.push(parent);
        this.#entries.get(parent).below.push(class_id);
      }
    for (const entry of this.#entries.values())
      entry.names = [...this.#reached(entry.it.class_id, "above")].map((id) => this.#entries.get(id).name);
    this.#alphabetic = [...this.#entries.values()].sort((a, b) => alphabet.compare(a.it.name, b.it.name));
  }

  /** Whether the class lies below or above another. */
  holds(class_id) {
    const { above, below } = this.#entries.get(class_id);
    return above.length + below.length > 0;
  }

  /** The classes right below one, in the ontology's order; null: those at the top, without Doubt. */
  below(class_id) {
    if (class_id !== null) return this.#entries.get(class_id).below.map((id) => this.#entries.get(id).it);
    return [...this.#entries.values()].filter(({ it, above }) => !above.length && !it.is_doubt).map(({ it }) => it);
  }

  /** The ids of all that lies below a class. */
  under(class_id) {
    return this.#reached(class_id, "below");
  }

  /** The names above a class, from the top; of several ways the first. */
  way(class_id) {
    const names = [];
    for (let [id] = this.#entries.get(class_id).above; id !== undefined; [id] = this.#entries.get(id).above)
      names.unshift(this.#entries.get(id).it.name);
    return names;
  }

  /**
   * Classes that fit what is typed, the best first, and among equals by `order(class_id)`: numbers, the least first.
   * Several words may be in any order, each in the name, a synonym, or the name of a class above.
   * `[{it, synonym}]`: the synonym by which it was found, or null.
   */
  search(text, order) {
    const wanted = folded(text);
    const words = wordsOf(wanted);
    return this.#alphabetic
      .map((entry) => ({ entry, fit: fitOf(entry, wanted, words) }))
      .filter(({ fit }) => fit !== null)
      .map(({ entry, fit }) => ({ entry, order: [fit, ...order(entry.it.class_id)] }))
      .sort((a, b) => byNumbers(a.order, b.order))
      .map(({ entry: { it, synonyms }, order: [fit] }) => ({
        it,
        synonym: fit === SYNONYM ? it.synonyms[synonyms.findIndex((name) => name.includes(wanted))] : null,
      }));
  }

  #reached(class_id, way) {
    const reached = new Set();
    const open = [...this.#entries.get(class_id)[way]];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      open.push(...this.#entries.get(id)[way]);
    }
    return reached;
  }
}

function fitOf({ name, words: own, synonyms, names }, wanted, words) {
  if (name.startsWith(wanted)) return BEGINS;
  if (words.length && own.includes(` ${words.join(" ")}`)) return WORD_BEGINS;
  if (name.includes(wanted)) return HOLDS;
  if (synonyms.some((synonym) => synonym.includes(wanted))) return SYNONYM;
  if (!words.length) return null;
  const isIn = (texts) => (word) => texts.some((text) => text.includes(word));
  if (!words.every(isIn([name, ...synonyms, ...names]))) return null;
  return words.some(isIn([name, ...synonyms])) ? WORDS : ABOVE;
}

const byNumbers = (a, b) => a.map((number, i) => number - b[i]).find(Boolean) ?? 0;
