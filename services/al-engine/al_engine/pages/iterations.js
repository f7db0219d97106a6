// Every iteration with its figures, a form to ask for another one, and the stopping panel.

import { byId, element } from "/static/element.js";
import * as api from "./api.js";
import { drawPanel } from "./panel.js";
import { number, percent, utc, windowsOf } from "./say.js";

const PAUSE_MS = 2000;
let shown = "";
const COLUMNS = {
  "No.": (it) => number(it.number),
  "Asked for (UTC)": (it) => link(it),
  Status: (it) => statusOf(it),
  "Window (UTC)": (it) => windowsOf(it),
  Nodes: (it) => it.nodes.join(", ") || "every node",
  Batch: (it) => number(it.batch),
  Audios: (it) => number(it.audios),
  Medoids: (it) => number(it.medoids),
  Unresolved: (it) => number(it.unresolved),
  Open: (it) => number(it.open_proposals),
  Sets: (it) => number(it.disjoint_sets),
  Labeled: (it) => percent(it.share_labeled, 1),
  Strategy: (it) => it.strategy ?? "",
  Model: (it) => it.model_id ?? "",
};
const NUMBERS = ["No.", "Batch", "Audios", "Medoids", "Unresolved", "Open", "Sets", "Labeled"];

const cell = (tag, name, content) =>
  element(tag, { className: NUMBERS.includes(name) ? "number" : "", ...(tag === "th" && { scope: "col" }) }, content);

byId("iterations").querySelector("thead tr").append(...Object.keys(COLUMNS).map((name) => cell("th", name, name)));

function link(it) {
  return element("a", { href: `/iterations/${it.iteration_id}` }, utc(it.requested_at));
}

function statusOf(it) {
  const status = element("span", { className: "status" }, it.status);
  if (it.failure) return element("span", {}, status, ` ${it.failure}`);
  if (it.status !== "requested") return status;
  const cancel = element("button", { type: "button", className: "small" }, "Cancel");
  cancel.addEventListener("click", () => giveUp(it, cancel));
  if (it.waits_for) return element("span", {}, status, ` It waits: ${it.waits_for}. `, cancel);
  if (!it.stage) return element("span", {}, status, " ", cancel);
  const bar = element("progress", { "aria-label": it.stage, max: it.stage_total || 1 });
  if (it.stage_total) bar.value = it.stage_done;
  return element("span", {}, status, ` ${it.stage} `, bar, cancel);
}

async function giveUp(it, button) {
  button.disabled = true;
  try {
    await api.cancel(it.iteration_id);
    byId("asked").textContent = `The iteration of ${utc(it.requested_at)} is canceled.`;
  } catch (error) {
    byId("asked").textContent = `Not canceled: ${error.message}`;
  }
  await show();
}

function row(it) {
  const cells = Object.entries(COLUMNS).map(([name, say]) => cell("td", name, say(it)));
  return element("tr", {}, ...cells);
}

async function show() {
  const iterations = await api.iterations();
  byId("none").hidden = iterations.length > 0;
  byId("iterations").hidden = iterations.length === 0;
  const now = JSON.stringify(iterations);
  if (now !== shown) byId("iterations").querySelector("tbody").replaceChildren(...iterations.reverse().map(row));
  shown = now; // rows that say the same stay, and who is on one of their buttons with them
  return iterations;
}

async function watch() {
  let before = "";
  for (;;) {
    try {
      const iterations = await show();
      byId("problem").hidden = true;
      const now = iterations.map((it) => it.status).join();
      if (now !== before) await showPanel();
      before = now;
    } catch (error) {
      byId("problem").textContent = `The iterations cannot be shown: ${error.message}`;
      byId("problem").hidden = false;
    }
    await new Promise((over) => setTimeout(over, PAUSE_MS));
    while (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
  }
}

async function showPanel() {
  try {
    const panel = await api.panel();
    byId("stopping").hidden = panel.iterations.length === 0;
    drawPanel(panel);
  } catch (error) {
    byId("stopping").hidden = false;
    byId("advice").textContent = `The panel cannot be shown: ${error.message}`;
  }
}

byId("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { nodes, window_start, window_end, hours, strategy, batch, go } = event.target.elements;
  const time = ({ value }) => (value ? `${value}:00Z`.replace(/(:\d\d:\d\d):00Z$/, "$1Z") : null);
  go.disabled = true;
  try {
    await api.ask({
      nodes: nodes.value.split(",").map((name) => name.trim()).filter(Boolean),
      window_start: time(window_start),
      window_end: time(window_end),
      hours: hours.value.trim() ? hours.value.split("-").map(Number) : null,
      strategy: strategy.value || null,
      batch: batch.value ? Number(batch.value) : null,
    });
    byId("asked").textContent = "Asked for.";
    await show();
  } catch (error) {
    byId("asked").textContent = `Not asked for: ${error.message}`;
  } finally {
    go.disabled = false;
  }
});

async function offerStrategies() {
  const { names, usual } = await api.strategies();
  const offered = byId("ask").elements.strategy;
  offered.options[0].text = `as usual: ${usual}`;
  offered.append(...names.map((name) => element("option", { value: name }, name)));
}

watch();
offerStrategies().catch(() => {}); // without them it is the usual one; what is wrong, the list above says
