// How far every batch is, for whom it waits, and what a lead can do where it stands still.

import { json, orSignIn } from "/static/api.js";
import { byId, element } from "/static/element.js";

const EVERY_MS = 15_000;
const number = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

load();
setInterval(load, EVERY_MS);

async function load() {
  if (document.querySelector("[data-asked]")) return; // a question waits for its answer
  try {
    show(await json("GET", "/api/progress").catch(orSignIn));
  } catch (error) {
    byId("state").textContent = error.message;
  }
}

function show(batches) {
  const open = batches.filter((it) => !it.closed);
  const closed = batches.length - open.length;
  byId("state").textContent = `${open.length} open ${open.length === 1 ? "batch" : "batches"}, ${closed} closed.`;
  byId("batches").replaceChildren(...open.map(card));
}

function card(batch) {
  const { audios, finished, proposed_at, stands_still, waits_for, groups } = batch;
  const of = groups.map((it) => `${it.name} ${it.done} of ${it.audios}`).join(", ") || "no group has it";
  const waits = waits_for.map((it) => `${it.name} (${it.audios})`).join(", ") || "nobody";
  return element(
    "article",
    { className: "card" },
    element("h2", {}, `Proposed ${proposed_at ? new Date(proposed_at).toLocaleString() : ""}`),
    element("progress", { value: finished, max: audios, "aria-label": "Audios settled" }),
    element("p", {}, `${finished} of ${number(audios, "audio")} settled: ${of}.`),
    ...(stands_still ? [element("p", { className: "notice warn" }, stands_still)] : []),
    element("p", { className: "quiet" }, `Waits for: ${waits}.`),
    closing(batch),
  );
}

function closing({ iteration_id, audios, finished }) {
  const row = element("p", { className: "row" });
  const ask = element("button", { type: "button" }, "Close with what there is");
  ask.addEventListener("click", () => {
    const go = element("button", { type: "button", className: "primary" }, "Close it");
    const stay = element("button", { type: "button" }, "Keep it open");
    row.dataset.asked = "";
    row.replaceChildren(`${number(audios - finished, "audio")} may stay without a label, for good.`, go, stay);
    stay.addEventListener("click", () => row.replaceWith(closing({ iteration_id, audios, finished })));
    go.addEventListener("click", () => close(row, iteration_id));
    stay.focus();
  });
  row.append(ask);
  return row;
}

async function close(row, iteration_id) {
  try {
    show(await json("POST", `/api/progress/${iteration_id}/close`).catch(orSignIn));
  } catch (error) {
    row.replaceChildren(error.message);
    delete row.dataset.asked;
  }
}
