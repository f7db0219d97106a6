// One iteration as a map: similar audios lie side by side, and what was chosen is seen among the rest.

import { byId } from "/static/element.js";
import * as api from "./api.js";
import { Inspection } from "./inspection.js";
import { number, percent, utc, windowsOf } from "./say.js";

const id = location.pathname.split("/").at(-1);
const PAUSE_MS = 1000;
const STAGES = {
  waiting: "Waiting for its turn to be drawn…",
  loading: "Reading the embeddings…",
  comparing: "Finding which audios sound alike…",
  preparing: "Getting the layout ready. The first time on a machine this takes a minute or more…",
  fitting: "Laying out the map, once for this window…",
  placing: "Placing what came after the map was drawn…",
};

async function show() {
  const iteration = await untilItHasRun();
  drawHead(iteration);
  await untilDrawn();
  await Inspection.open(iteration);
}

async function untilItHasRun() {
  for (;;) {
    const iteration = await api.iteration(id);
    if (iteration.failure) throw new Error(`it failed: ${iteration.failure}`);
    if (iteration.status !== "requested") return iteration;
    drawHead(iteration);
    const stage = iteration.stage ? `it is at: ${iteration.stage}` : "it waits for its turn";
    const how_far = iteration.waits_for ? `it waits: ${iteration.waits_for}` : stage;
    byId("waiting-words").textContent = `This iteration has not run yet, ${how_far}. The map comes after it.`;
    await pause();
  }
}

async function untilDrawn() {
  let state = await api.mapState(id);
  if (state.stage === "not asked for") state = await api.askForMap(id);
  for (; state.stage !== "drawn"; state = await api.mapState(id)) {
    byId("waiting-words").textContent = STAGES[state.stage] ?? `There is no map: ${state.problem}`;
    showShare(state);
    byId("again").hidden = state.stage !== "failed";
    if (state.stage === "failed") {
      await new Promise((clicked) => byId("again").addEventListener("click", clicked, { once: true }));
      await api.askForMap(id);
    } else await pause();
  }
}

// Where nobody can tell how much is done, the bar moves without saying so.
function showShare({ stage, share_done }) {
  const bar = byId("waiting-share");
  bar.hidden = stage === "failed" || stage === "waiting";
  if (share_done == null) bar.removeAttribute("value");
  else bar.value = share_done;
}

function drawHead(iteration) {
  const title = iteration.number ? `Iteration ${iteration.number}` : `Iteration of ${utc(iteration.requested_at)}`;
  document.title = `${title} · Escolta`;
  byId("title").textContent = title;
  const facts = [windowsOf(iteration), iteration.nodes.join(", ") || "every node", iteration.status];
  if (iteration.audios != null) facts.push(`${number(iteration.audios)} audios`, `${percent(iteration.share_labeled, 1)} labeled`);
  if (iteration.suggestions === "shown") facts.push("likely classes shown");
  byId("figures").textContent = facts.join(" · ");
}

const pause = () => new Promise((over) => setTimeout(over, PAUSE_MS));

show().catch((error) => {
  byId("waiting").hidden = true;
  byId("problem").hidden = false;
  byId("problem").textContent = `This iteration cannot be shown: ${error.message}`;
});
