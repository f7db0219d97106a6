// The quarantine list: what happened, when, which node and object, and the message itself.
// Every value comes from outside, so it enters the page as text and never as HTML.

const STEP = 100;
const MOST = 1000; // the API gives no more at once

const byId = (id) => document.getElementById(id);
let limit = STEP;

async function fetchJson(address) {
  const answer = await fetch(address);
  if (answer.status === 401) location.assign("/sign-in");
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

function entry(item) {
  const card = byId("entry").content.cloneNode(true);
  card.querySelector("h2").textContent = item.reason;
  const time = card.querySelector("time");
  time.dateTime = item.at;
  time.textContent = new Date(item.at).toLocaleString(undefined, { timeZoneName: "short" });
  for (const place of card.querySelectorAll("[data-field]")) {
    place.textContent = item[place.dataset.field] ?? "not known";
  }
  return card;
}

async function show() {
  const state = byId("state");
  state.className = "";
  state.textContent = "Loading…";
  try {
    const [items, { quarantined }] = await Promise.all([
      fetchJson(`/api/quarantine?limit=${limit}`),
      fetchJson("/api/ingest"),
    ]);
    byId("list").replaceChildren(...items.map(entry));
    byId("more").hidden = items.length < limit || limit >= MOST;
    state.textContent =
      items.length === 0 ? "Nothing is in quarantine." : `${items.length} of ${quarantined} shown.`;
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
