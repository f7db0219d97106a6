// The audit log: who did what, to which, by which service; newest first, page after page.
// Names and what things are called come from people, so they enter the page as text and never as HTML.

import { json, orSignIn } from "/static/api.js";
import { byId, element } from "/static/element.js";

const STEP = 100;
const KINDS = [
  "signed in",
  "signed out",
  "signed out everywhere",
  "ended a session",
  "made a link",
  "made a token",
  "added a person",
  "changed a person",
  "labeled",
  "asked for an iteration",
  "canceled an iteration",
  "closed a batch",
  "exported",
  "loaded classes",
  "enrolled a node",
  "revoked a node",
  "changed a speech policy",
  "changed how long sounds are kept",
  "deleted",
  "dropped",
];

let last; // the mark of the last one that is shown
let asked = 0; // of two questions that overlap, the later counts

byId("what").append(...KINDS.map((kind) => element("option", {}, kind)));
byId("what").addEventListener("change", anew);
byId("refresh").addEventListener("click", anew);
byId("more").addEventListener("click", async () => {
  const shown = byId("entries").rows.length;
  await more();
  byId("entries").rows[shown]?.focus(); // go on where the list ended
});
anew();

async function anew() {
  last = undefined;
  await more();
}

async function more() {
  const own = ++asked;
  const begins = last === undefined;
  const wanted = new URLSearchParams({ what: byId("what").value, limit: STEP, ...(begins ? {} : { before: last }) });
  try {
    const entries = await json("GET", `/api/audit?${wanted}`).catch(orSignIn);
    if (own !== asked) return;
    if (begins) byId("entries").replaceChildren();
    byId("entries").append(...entries.map(line));
    last = entries.at(-1)?.audit_id ?? last;
    byId("more").hidden = entries.length < STEP;
    const shown = byId("entries").rows.length;
    say(shown === 0 ? "Nothing." : `${shown.toLocaleString()} shown.`);
  } catch (error) {
    if (own === asked) say(`The log could not be loaded: ${error.message}`, "notice bad");
  }
}

function line({ at, name, what, which, service }) {
  const time = element("time", { dateTime: at }, new Date(at).toLocaleString());
  return element(
    "tr",
    { tabIndex: -1 },
    cell("When", time, "whole"),
    cell("Who", name),
    cell("What", what, "whole"),
    cell("Which", which),
    cell("By", service, "whole"),
  );
}

const cell = (head, content, className = "") => element("td", { "data-head": head, className }, content);

function say(text, kind = "") {
  byId("state").className = kind;
  byId("state").textContent = text;
}
