// The list beside the map: the proposals, what the lasso holds, or a category; by keyboard as by hand.

import { byId, element, named } from "/static/element.js";
import { percent, plural, utc } from "./say.js";

const STEP = 100;
const COLUMNS = ["Rank", "Kind", "File", "Node", "Start (UTC)", "Set", "Tagger", "Label", "Committee"];
const KINDS = ["rest", "proposed", "medoid"];

/** Emits "go" {index, play} as a row is gone to. Rows are described as they come into view. */
export class List extends EventTarget {
  #describe; // indices -> Promise of what is known of them
  #rowOf; // (index, audio) -> cells of a row
  #indices = [];
  #shown = 0;
  #current = null;
  #round = 0;

  constructor(describe, facts) {
    super();
    this.#describe = describe;
    this.#rowOf = (index, audio) => cells(facts(index), audio);
    byId("columns").append(...["", ...COLUMNS].map((name) => element("th", { scope: "col" }, name)));
    byId("rows").addEventListener("click", ({ target }) => this.#clicked(target));
    byId("rows").addEventListener("keydown", (event) => this.#key(event));
    byId("more").addEventListener("click", () => this.#more());
    byId("save").addEventListener("click", () => this.#save());
    byId("copy").addEventListener("click", () => this.#copy());
    byId("copy").hidden = !navigator.clipboard;
  }

  get indices() {
    return this.#indices;
  }

  async show(indices) {
    this.#indices = indices;
    this.#shown = 0;
    this.#round++;
    byId("rows").replaceChildren();
    byId("count").textContent = plural(indices.length, "audio");
    await this.#more();
  }

  /** Marks the row of `index`, if it is in view. */
  mark(index) {
    this.#current = index;
    for (const row of byId("rows").children) this.#markRow(row);
    const first = byId("rows").querySelector("tr[tabindex='0']") ?? byId("rows").firstElementChild;
    if (first) first.tabIndex = 0;
  }

  #markRow(row) {
    const on = Number(row.dataset.index) === this.#current;
    row.setAttribute("aria-selected", on);
    row.tabIndex = on ? 0 : -1;
  }

  async #more() {
    const round = this.#round;
    const some = this.#indices.slice(this.#shown, this.#shown + STEP);
    this.#shown += some.length;
    byId("more").hidden = this.#shown >= this.#indices.length;
    const audios = some.length ? await this.#describe(some) : [];
    if (round !== this.#round) return; // another list came
    byId("rows").append(...some.map((index, i) => this.#row(index, audios[i])));
    this.mark(this.#current);
  }

  #row(index, audio) {
    const play = element("button", { type: "button", className: "small", tabIndex: -1, "aria-label": `Play ${audio.file_name}` }, "▶");
    const row = element("tr", { tabIndex: -1, "data-index": index, "aria-selected": "false" }, element("td", {}, play));
    row.append(...this.#rowOf(index, audio).map((text) => element("td", {}, named(text))));
    return row;
  }

  #clicked(target) {
    const row = target.closest("tr");
    if (!row) return;
    this.#goTo(row, target.closest("button") !== null);
  }

  #key(event) {
    const row = event.target.closest("tr");
    const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling, Home: row?.parentElement.firstElementChild, End: row?.parentElement.lastElementChild };
    if (event.key === "Enter") this.#go(row, true);
    else if (event.key in next) {
      if (next[event.key]) this.#goTo(next[event.key], false);
    } else return;
    event.preventDefault();
  }

  // The map stays over the list: the row comes out from under it.
  #goTo(row, play) {
    row.focus({ preventScroll: true });
    this.#go(row, play);
    row.scrollIntoView({ block: "nearest" });
  }

  #go(row, play) {
    this.dispatchEvent(new CustomEvent("go", { detail: { index: Number(row.dataset.index), play } }));
  }

  async #table() {
    const audios = await this.#describe(this.#indices);
    const rows = this.#indices.map((index, i) => [audios[i].audio_id, ...this.#rowOf(index, audios[i])]);
    return [["audio_id", ...COLUMNS], ...rows].map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
  }

  async #save() {
    const address = URL.createObjectURL(new Blob([await this.#table()], { type: "text/csv" }));
    element("a", { href: address, download: "audios.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  async #copy() {
    await navigator.clipboard.writeText(await this.#table());
    byId("count").textContent = `${plural(this.#indices.length, "audio")}, copied`;
  }
}

function cells({ kind, set, proposal, blind }, audio) {
  const tagger = audio.tagger[0];
  const told = proposal && !blind;
  const committee = !told || !proposal.nearest_medoid ? "" : proposal.mismatched ? "mismatched" : "agrees";
  return [
    proposal ? `${proposal.rank}` : "",
    proposal?.control && told ? "control" : KINDS[kind],
    audio.file_name,
    audio.node,
    utc(audio.start_utc, true),
    set ? `D${set}` : "",
    tagger ? `${tagger.name} ${percent(tagger.probability)}` : "",
    audio.label ?? "",
    committee,
  ];
}

// What a spreadsheet would run as a formula is text to it; some read signs of full width alike.
const quoted = (text) => `"${text.replace(/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/, "'$&").replaceAll('"', '""')}"`;
