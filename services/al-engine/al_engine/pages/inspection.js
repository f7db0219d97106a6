// The map, the list, the legend and the audio at hand, joined.

import { byId, element } from "/static/element.js";
import { bare, namesOf } from "/static/keyboard.js";
import * as api from "./api.js";
import { drawChoice } from "./choice.js";
import { drawLegend } from "./legend.js";
import { List } from "./list.js";
import { bgr, categoriesBy, categoryOf, grounds, whenThemeChanges } from "./palette.js";
import { fetchPoints } from "./points.js";
import { drawReason } from "./reason.js";
import { plural } from "./say.js";
import { Scatter } from "./scatter.js";
import { Sound } from "./sound.js";

const HOVER_MS = 120;

export class Inspection {
  #iteration;
  #points;
  #proposals = new Map(); // by index
  #known = new Map(); // by index: what describe gave
  #scatter = new Scatter(byId("map"));
  #sound = new Sound(byId("player"));
  #list;
  #field;
  #hidden = new Set(); // kinds
  #alone = null; // the values of the points that are shown alone
  #opened = false; // whether the legend lists what it has gathered
  #current = null;
  #picked = false; // by hand or key: hovering away does not stop it
  #lasso = null;
  #timer = null;

  static async open(iteration) {
    const points = await fetchPoints(iteration.iteration_id);
    byId("waiting").hidden = true;
    for (const part of ["map", "legend", "keys", "listing"]) byId(part).hidden = false;
    return new Inspection(iteration, points);
  }

  constructor(iteration, points) {
    this.#iteration = iteration;
    this.#points = points;
    for (const proposal of iteration.proposals) {
      const index = points.indexOf(proposal.audio_id);
      if (index !== undefined) this.#proposals.set(index, proposal);
    }
    this.#field = points.set.some((it) => it > 1) ? "set" : points.header.labels.some(Boolean) ? "label" : "tagger";
    this.#list = new List(
      (indices) => this.#describe(indices),
      (index) => this.#facts(index),
    );
    this.#listen();
    if (points.length) this.#scatter.show(points);
    this.#color();
    this.#showList("proposed");
    const { audios } = points.header;
    byId("said").textContent =
      points.length < audios
        ? `${plural(points.length, "audio")} of ${audios.toLocaleString("en")} are on the map, with all that were proposed or labeled.`
        : `${plural(points.length, "audio")} on the map.`;
  }

  #listen() {
    this.#scatter.addEventListener("point", ({ detail }) => this.#hover(detail.index));
    this.#scatter.addEventListener("pick", ({ detail }) => detail.index !== null && this.#go(detail.index, true));
    this.#scatter.addEventListener("lasso", ({ detail }) => this.#caught(detail.indices));
    this.#list.addEventListener("go", ({ detail }) => this.#go(detail.index, detail.play));
    this.#sound.addEventListener("forbidden", () => this.#say("Click the page or press a key once: until then the browser plays nothing."));
    this.#sound.addEventListener("fault", () => this.#say("The browser cannot play this audio."));
    for (const input of document.querySelectorAll("[name=color]")) {
      input.checked = input.value === this.#field;
      input.addEventListener("change", () => this.#colorBy(input.value));
    }
    for (const input of document.querySelectorAll("[name=hand]")) {
      input.addEventListener("change", () => this.#takeLasso(input.value === "lasso"));
    }
    byId("closer").addEventListener("click", () => this.#scatter.zoom(1.5));
    byId("farther").addEventListener("click", () => this.#scatter.zoom(1 / 1.5));
    byId("fit").addEventListener("click", () => this.#scatter.fit());
    byId("which").addEventListener("change", ({ target }) => this.#showList(target.value));
    document.addEventListener("keydown", (event) => this.#key(event));
    whenThemeChanges(() => this.#color());
  }

  #takeLasso(lassoing) {
    this.#scatter.lassoing = lassoing;
    byId("map").classList.toggle("lassoing", lassoing);
  }

  // What is drawn ----------------------------------------------------------------------------------------

  #colorBy(field) {
    this.#field = field;
    this.#alone = null;
    this.#opened = false;
    this.#color();
    this.#drawChoice(byId("which").value);
  }

  #color() {
    const { length, kind } = this.#points;
    const categories = categoriesBy(this.#field, this.#points);
    const numbers = categoryOf(categories);
    const values = this.#points[this.#field];
    const colors = categories.map(({ color }) => bgr(color));
    const counts = new Array(numbers.length).fill(0);
    const kindCounts = [0, 0, 0];
    const painted = new Uint32Array(length);
    const visible = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      counts[values[i]]++;
      kindCounts[kind[i]]++;
      painted[i] = colors[numbers[values[i]]];
      visible[i] = !this.#hidden.has(kind[i]) && (this.#alone === null || this.#alone.includes(values[i]));
    }
    // The dimmed first, then the rest, then the medoids, the proposed above all.
    const level = (i) => (visible[i] ? [1, 3, 2][kind[i]] : 0);
    const order = Uint32Array.from({ length }, (_, i) => i).sort((a, b) => level(a) - level(b) || a - b);
    this.#scatter.paint({ order, colors: painted, kinds: kind, visible, ...grounds() });
    drawLegend(
      { categories, counts, kindCounts, hidden: this.#hidden, alone: this.#alone, opened: this.#opened },
      { hideKind: (it) => this.#hideKind(it), showAlone: (it) => this.#showAlone(it), open: () => this.#open() },
    );
  }

  #hideKind(kind) {
    if (!this.#hidden.delete(kind)) this.#hidden.add(kind);
    this.#recolor();
  }

  #showAlone(values) {
    this.#alone = values;
    this.#recolor();
  }

  #open() {
    this.#opened = !this.#opened;
    if (!this.#opened) this.#alone = null; // what is not listed any longer is not shown alone either
    this.#recolor();
  }

  // The legend is made anew: whoever pressed its button by key stays on it.
  #recolor() {
    const list = document.activeElement?.closest("#kinds, #categories");
    const place = list ? [...list.querySelectorAll("button")].indexOf(document.activeElement) : -1;
    this.#color();
    if (place >= 0) list.querySelectorAll("button")[place]?.focus();
  }

  // The audio at hand ------------------------------------------------------------------------------------

  #hover(index) {
    clearTimeout(this.#timer);
    if (index === null) {
      if (!this.#picked) this.#sound.pause();
      return;
    }
    if (index === this.#current && (this.#picked || this.#sound.isPlaying)) return;
    this.#timer = setTimeout(() => this.#go(index, byId("on-hover").checked, false), HOVER_MS);
  }

  #go(index, play, picked = true) {
    this.#current = index;
    this.#picked = picked;
    this.#list.mark(index);
    this.#scatter.mark(index, this.#nearest(index), picked);
    const audio_id = this.#points.id(index);
    if (play) this.#sound.play(audio_id);
    else {
      this.#sound.pause();
      this.#sound.load(audio_id);
    }
    this.#drawReason(index);
  }

  async #drawReason(index) {
    const goTo = (audio_id) => {
      const there = this.#points.indexOf(audio_id);
      if (there !== undefined) this.#go(there, true);
    };
    const draw = (audio) => drawReason({ audio, ...this.#facts(index) }, goTo);
    if (!this.#known.has(index)) draw(null);
    const [audio] = await this.#describe([index]);
    if (index === this.#current) draw(audio);
  }

  #facts(index) {
    const { kind, set, header } = this.#points;
    const proposal = this.#proposals.get(index);
    return { kind: kind[index], set: set[index], proposal, blind: header.blind, strategy: this.#iteration.strategy };
  }

  #nearest(index) {
    const proposal = this.#proposals.get(index);
    if (!proposal?.nearest_medoid || this.#points.header.blind) return null;
    return this.#points.indexOf(proposal.nearest_medoid) ?? null;
  }

  async #describe(indices) {
    const unknown = indices.filter((index) => !this.#known.has(index));
    if (unknown.length) {
      const ids = unknown.map((index) => this.#points.id(index));
      for (const audio of await api.describe(this.#iteration.iteration_id, ids)) {
        this.#known.set(this.#points.indexOf(audio.audio_id), audio);
      }
    }
    return indices.map((index) => this.#known.get(index));
  }

  // Lists --------------------------------------------------------------------------------------------------

  #caught(indices) {
    this.#lasso = indices;
    this.#showList("lasso");
    this.#say(`The lasso holds ${plural(indices.length, "audio")}.`);
  }

  #showList(which) {
    this.#drawChoice(which);
    this.#list.show(this.#indicesOf(which)).catch((error) => this.#say(`The list cannot be shown: ${error.message}`));
  }

  #indicesOf(which) {
    if (which === "lasso") return this.#lasso;
    const { kind, length } = this.#points;
    if (which === "proposed") {
      return [...this.#proposals.keys()].sort((a, b) => this.#proposals.get(a).rank - this.#proposals.get(b).rank);
    }
    const [field, value] = which.split(":");
    const wanted = Number(value);
    const values = field === "kind" ? kind : this.#points[field];
    return Array.from({ length }, (_, i) => i).filter((i) => values[i] === wanted);
  }

  #drawChoice(which) {
    drawChoice(which, this.#field, this.#points, this.#lasso !== null);
  }

  // Keys ---------------------------------------------------------------------------------------------------

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, audio, input[type=text]")) return;
    const onMap = event.target.closest("canvas") !== null;
    const acts = {
      j: () => this.#step(1),
      k: () => this.#step(-1),
      ...(onMap && {
        ArrowLeft: () => this.#scatter.pan(-0.1, 0),
        ArrowRight: () => this.#scatter.pan(0.1, 0),
        ArrowUp: () => this.#scatter.pan(0, -0.1),
        ArrowDown: () => this.#scatter.pan(0, 0.1),
        "+": () => this.#scatter.zoom(1.5),
        "=": () => this.#scatter.zoom(1.5),
        "-": () => this.#scatter.zoom(1 / 1.5),
        0: () => this.#scatter.fit(),
      }),
      // Space on a button or a box is that button's.
      ...(!event.target.closest("button, input, a") && { " ": () => this.#playOrPause() }),
    };
    const act = namesOf(event)
      .map((name) => acts[bare(name)])
      .find(Boolean);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #step(by) {
    const { indices } = this.#list;
    if (!indices.length) return;
    const at = indices.indexOf(this.#current);
    const next = at < 0 ? (by > 0 ? 0 : indices.length - 1) : (at + by + indices.length) % indices.length;
    this.#go(indices[next], true);
  }

  #playOrPause() {
    if (this.#current === null) return this.#step(1);
    if (this.#sound.isPlaying) this.#sound.pause();
    else this.#sound.play(this.#points.id(this.#current));
  }

  #say(text) {
    byId("said").textContent = text;
  }
}
