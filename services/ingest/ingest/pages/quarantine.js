// The quarantine list: what happened, when, which node, file and object, and the message itself.
// Every value comes from outside, so it enters the page as text and never as HTML.

import { json, orSignIn } from "/static/api.js";
import { byId } from "/static/element.js";

const STEP = 100;
const MOST = 1000; // the API gives no more at once

let limit = STEP;

const KINDS = { refused: "Refused", left_out: "Left out", doubtful: "Doubtful, but taken" };

// "night.wav, from 20 s to 30 s, 1,920,044 bytes", as far as it is known.
function fileOf({ file_name, from_s, to_s, size_bytes }) {
  if (file_name === null) return null;
  const from = from_s === null ? "" : `, from ${from_s.toLocaleString()} s`;
  const to = to_s === null ? "" : ` to ${to_s.toLocaleString()} s`;
  const size = size_bytes === null ? "" : `, ${size_bytes.toLocaleString()} bytes`;
  return `${file_name}${from}${to}${size}`;
}

function entry(item) {
  const card = byId("entry").content.cloneNode(true);
  card.querySelector("h2").textContent = item.reason;
  const shown = { ...item, kind: KINDS[item.kind], file: fileOf(item) };
  const time = card.querySelector("time");
  time.dateTime = item.at;
  time.textContent = new Date(item.at).toLocaleString(undefined, { timeZoneName: "short" });
  for (const place of card.querySelectorAll("[data-field]")) {
    const value = shown[place.dataset.field];
    if (value === null && ["file", "object_key"].includes(place.dataset.field)) place.parentElement.remove();
    else place.textContent = value ?? "not known";
  }
  return card;
}

function source({ name, source }) {
  const line = document.createElement("li");
  line.textContent = `${name}: ${source}`;
  return line;
}

// What nobody has lost: it waits at the node until its cause is mended, and needs no click here.
function waiting({ node, audios, first_at, until, reason }) {
  const line = document.createElement("li");
  line.style.overflowWrap = "anywhere";
  const when = (moment) => new Date(moment).toLocaleString(undefined, { timeZoneName: "short" });
  const what = audios > 0 ? `at least ${audios.toLocaleString()} audio${audios > 1 ? "s" : ""}` : "its status";
  const end = until === null ? "" : ` At the latest it goes on at ${when(until)}.`;
  line.textContent = `${node}: ${what}, since ${when(first_at)}. ${reason}${end}`;
  return line;
}

// "2 refused, 1 left out": only the kinds that there are.
function counted(ingest) {
  const kinds = Object.keys(KINDS).filter((kind) => ingest[kind] > 0);
  return kinds.map((kind) => `${ingest[kind].toLocaleString()} ${kind.replace("_", " ")}`).join(", ");
}

async function show() {
  const state = byId("state");
  state.className = "";
  state.textContent = "Loading…";
  try {
    const [items, ingest] = await Promise.all([
      json("GET", `/api/quarantine?limit=${limit}`),
      json("GET", "/api/ingest"),
    ]).catch(orSignIn);
    byId("list").replaceChildren(...items.map(entry));
    byId("more").hidden = items.length < limit || limit >= MOST;
    byId("held").querySelector("ul").replaceChildren(...ingest.held.map(waiting));
    byId("held").hidden = ingest.held.length === 0;
    byId("sources").replaceChildren(...ingest.nodes.filter((node) => node.source).map(source));
    state.textContent =
      items.length === 0
        ? "Nothing is in quarantine."
        : `${items.length} of ${ingest.quarantined} shown: ${counted(ingest)}.`;
  } catch (error) {
    state.className = "notice bad";
    state.textContent = `The list could not be loaded: ${error.message}`;
  }
}

byId("refresh").addEventListener("click", show);
byId("more").addEventListener("click", async () => {
  const shown = byId("list").children.length;
  limit = Math.min(limit + STEP, MOST);
  await show();
  byId("list").children[shown]?.querySelector("summary").focus(); // go on where the list ended
});
show();
