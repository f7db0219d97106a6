// The choice of what the list holds: the proposals, a kind, a category of the colors, the lasso.

import { byId, element } from "/static/element.js";
import { KINDS } from "./legend.js";
import { MEDOID, REST } from "./points.js";

/** Draws the choice with `which` chosen; categories are of the `field` that colors the `points`. */
export function drawChoice(which, field, points, hasLasso) {
  const kinds = [["proposed", "Proposals, by rank"], ...[MEDOID, REST].map((kind) => [`kind:${kind}`, KINDS[kind].name])];
  if (hasLasso) kinds.push(["lasso", "In the lasso"]);
  const groups = [["By kind", kinds], categories(field, points)];
  byId("which").replaceChildren(
    ...groups.map(([label, options]) =>
      element("optgroup", { label }, ...options.map(([value, text]) => element("option", { value, dir: "auto" }, text))),
    ),
  );
  byId("which").value = which;
  if (!byId("which").value) byId("which").value = "proposed";
}

function categories(field, { header, set }) {
  if (field === "set") {
    const sets = [...new Set(set)].sort((a, b) => a - b).filter(Boolean);
    return ["By set", sets.map((number) => [`set:${number}`, `D${number}`])];
  }
  const names = field === "tagger" ? header.tagger_classes : header.labels;
  const options = names.map((name, number) => [`${field}:${number}`, name || "no label"]);
  return [field === "tagger" ? "By the tagger’s class" : "By label", options];
}
