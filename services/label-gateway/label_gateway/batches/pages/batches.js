// How far every batch is, for whom it waits, and what a lead can do where it stands still.

import { json, orSignIn } from "/static/api.js";
import { byId, element, named } from "/static/element.js";

const EVERY_MS = 15_000;
const number = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

load();
setInterval(load, EVERY_MS);

async function load() {
  if (isAsking()) return;
  try {
    const batches = await json("GET", "/api/progress").catch(orSignIn);
    if (!isAsking()) show(batches);
  } catch (error) {
    byId("state").textContent = error.message;
  }
}

// A question waits for its answer.
function isAsking() {
  return document.querySelector("[data-asked]") !== null;
}

function show(batches) {
  const open = batches.filter((it) => !it.closed);
  const closed = batches.length - open.length;
  byId("state").textContent = `${open.length} open ${open.length === 1 ? "batch" : "batches"}, ${closed} closed.`;
  const focused = document.activeElement?.closest("[data-batch]")?.dataset.batch;
  byId("batches").replaceChildren(...open.map(card));
  if (focused) (byId("batches").querySelector(`[data-batch="${focused}"] button`) ?? byId("state")).focus();
}

function card(batch) {
  const { audios, finished, withheld, proposed_at, stands_still, waits_for, groups } = batch;
  const parts = counted(groups, (it) => ` ${it.done} of ${it.audios}`, "no group has it");
  const waits = counted(waits_for, (it) => ` (${it.audios})`, "nobody");
  return element(
    "article",
    { className: "card", "data-batch": batch.iteration_id },
    element("h2", {}, `Proposed ${proposed_at ? new Date(proposed_at).toLocaleString() : ""}`),
    element("progress", { value: finished, max: audios, "aria-label": "Audios settled" }),
    element("p", {}, `${finished} of ${number(audios, "audio")} settled: `, ...parts, "."),
    ...(withheld ? [element("p", {}, `${number(withheld, "audio")} withdrawn: the node's policy withholds them.`)] : []),
    ...(stands_still ? [element("p", { className: "notice warn" }, stands_still)] : []),
    element("p", { className: "quiet" }, "Waits for: ", ...waits, "."),
    closing(batch),
  );
}

function counted(list, words, nobody) {
  return list.length ? list.flatMap((it, i) => [i ? ", " : "", named(it.name), words(it)]) : [nobody];
}

function closing({ iteration_id, audios, finished }) {
  const row = element("p", { className: "row" });
  const ask = element("button", { type: "button" }, "Close with what there is");
  ask.addEventListener("click", () => {
    const go = element("button", { type: "button", className: "primary" }, "Close it");
    const stay = element("button", { type: "button" }, "Keep it open");
    row.dataset.asked = "";
    row.replaceChildren(`${number(audios - finished, "audio")} may stay without a label, for good.`, go, stay);
    stay.addEventListener("click", () => {
      const unasked = closing({ iteration_id, audios, finished });
      row.replaceWith(unasked);
      unasked.querySelector("button").focus();
    });
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
