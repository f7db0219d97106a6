// One audio: what it is, what the tagger hears in it, and why it was proposed.

import { byId, element, named } from "/static/element.js";
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

/** Draws `audio` (of describe), its `kind`, its `set`, its `proposal` if it has one, by which `strategy`. `goTo`
 * goes to an audio of the map by its id. */
export function drawReason({ audio, kind, set, proposal, blind, strategy }, goTo) {
  byId("audio-name").replaceChildren(named(audio?.file_name ?? proposal?.file_name ?? "…"));
  const facts = [["Kind", proposal ? `Proposed, rank ${proposal.rank}` : KIND_WORDS[kind]]];
  if (proposal && blind) facts.push(["Reason", BLIND]);
  else if (proposal) facts.push(...reasons(proposal, strategy, goTo));
  else if (set) facts.push(["Set", `D${set}`]);
  if (audio) {
    facts.push(["Label", labelOf(audio)]);
    facts.push(["Tagger", element("span", {}, ...audio.tagger.slice(0, 3).flatMap(tagged))]);
    if (audio.channels_heard) facts.push(["Heard", audio.channels_heard]);
    facts.push(["Node", audio.node], ["Start", `${utc(audio.start_utc, true)} UTC`]);
  }
  byId("facts").replaceChildren(
    ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, ...[value].flat())]),
  );
}

function reasons(proposal, strategy, goTo) {
  const facts = [["Set", `D${proposal.disjoint_set}`]];
  facts.push(proposal.control ? ["Control arm", "drawn at random"] : ["Strategy", strategy]);
  if (!proposal.nearest_medoid) {
    return proposal.control ? facts : [...facts, ["Reason", FIRST_REASON[strategy] ?? MIDDLE]];
  }
  facts.push(["Committee", proposal.mismatched ? "mismatched: the two differ" : "the two agree"]);
  facts.push(["Propagated", named(proposal.propagated_class ?? "–")]);
  facts.push([
    "Predicted",
    proposal.predicted_class
      ? [named(proposal.predicted_class), `, ${percent(proposal.predicted_probability)}`]
      : "– (one class only)",
  ]);
  const { nearest_medoid, propagated_class, distance, nearest_unresolved } = proposal;
  facts.push(["Nearest medoid", near(propagated_class ?? "show", distance, () => goTo(nearest_medoid))]);
  if (nearest_unresolved) facts.push(["Unresolved", unresolved(proposal, goTo)]);
  return facts;
}

// Like what people heard without agreeing on a class: to both of the committee a class of its own.
function unresolved({ nearest_unresolved, unresolved_distance, unresolved_probability }, goTo) {
  return [
    `${percent(unresolved_probability)} that nobody would agree here either; nearest audio without agreement: `,
    near("show", unresolved_distance, () => goTo(nearest_unresolved)),
  ];
}

function near(name, distance, go) {
  const button = element("button", { type: "button", className: "small" }, named(name));
  button.addEventListener("click", go);
  return element("span", {}, button, ` at ${distance.toFixed(3)}`);
}

function labelOf({ label, labelers, agreement_percent }) {
  if (label) return [named(label), ` (${Math.round(agreement_percent)} % of ${labelers})`];
  return labelers ? "heard, without agreement" : "none yet";
}

const tagged = ({ name, probability }) => [named(name), ` ${percent(probability)}`, element("br", {})];
