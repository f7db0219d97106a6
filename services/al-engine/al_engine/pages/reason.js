// One audio: what it is, what the tagger hears in it, and why it was proposed.

import { byId, element } from "/static/element.js";
import { percent, utc } from "./say.js";

const KIND_WORDS = ["Rest: not chosen by this iteration", "Proposed", "Medoid: labeled before this iteration"];
const BLIND =
  "Told when the batch is closed: until then the reasons would give away which audios of it were drawn at random.";

const FIRST_REASON = {
  random: "drawn at random, as this strategy does",
  typical: "typical of a large group of audios without a label",
  "typical-then-mal-mf": "typical of a large group of audios without a label",
};
const MIDDLE = "chosen as the middle of a cluster: there was no medoid yet";

/** Draws `audio` (of describe), its `kind`, its `set`, its `proposal` if it has one, by which `strategy`. */
export function drawReason({ audio, kind, set, proposal, blind, medoid, strategy }, goToMedoid) {
  byId("audio-name").textContent = audio?.file_name ?? proposal?.file_name ?? "…";
  const facts = [["Kind", proposal ? `Proposed, rank ${proposal.rank}` : KIND_WORDS[kind]]];
  if (proposal && blind) facts.push(["Reason", BLIND]);
  else if (proposal) facts.push(...reasons(proposal, strategy, medoid, goToMedoid));
  else if (set) facts.push(["Set", `D${set}`]);
  if (audio) {
    facts.push(["Label", labelOf(audio)]);
    facts.push(["Tagger", element("span", {}, ...audio.tagger.slice(0, 3).flatMap(tagged))]);
    if (audio.channels_heard) facts.push(["Heard", audio.channels_heard]);
    facts.push(["Node", audio.node], ["Start", `${utc(audio.start_utc, true)} UTC`]);
  }
  byId("facts").replaceChildren(
    ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

function reasons(proposal, strategy, medoid, goToMedoid) {
  const facts = [["Set", `D${proposal.disjoint_set}`]];
  facts.push(proposal.control ? ["Control arm", "drawn at random"] : ["Strategy", strategy]);
  if (!proposal.nearest_medoid) {
    return proposal.control ? facts : [...facts, ["Reason", FIRST_REASON[strategy] ?? MIDDLE]];
  }
  facts.push(["Committee", proposal.mismatched ? "mismatched: the two differ" : "the two agree"]);
  facts.push(["Propagated", proposal.propagated_class ?? "–"]);
  facts.push([
    "Predicted",
    proposal.predicted_class
      ? `${proposal.predicted_class}, ${percent(proposal.predicted_probability)}`
      : "– (one class only)",
  ]);
  const near = element("button", { type: "button", className: "small" }, medoid ?? proposal.propagated_class ?? "show");
  near.addEventListener("click", goToMedoid);
  facts.push(["Nearest medoid", element("span", {}, near, ` at ${proposal.distance.toFixed(3)}`)]);
  return facts;
}

function labelOf({ label, labelers, agreement_percent }) {
  if (label) return `${label} (${Math.round(agreement_percent)} % of ${labelers})`;
  return labelers ? "heard, without agreement" : "none yet";
}

const tagged = ({ name, probability }) => [`${name} ${percent(probability)}`, element("br", {})];
