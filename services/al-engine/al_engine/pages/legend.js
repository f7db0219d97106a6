// What the marks and the colors mean; a kind can be hidden, a category shown alone.

import { byId, element } from "/static/element.js";
import { number } from "./say.js";

export const KINDS = [
  { name: "Rest (discarded)", shape: "disc" },
  { name: "Proposed", shape: "triangle" },
  { name: "Medoids", shape: "diamond" },
];
const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  disc: "M8 4.5a3.5 3.5 0 1 0 .01 0Z",
  swatch: "M8 2.5a5.5 5.5 0 1 0 .01 0Z",
  triangle: "M8 2 14 13H2Z",
  diamond: "M8 1.5 14.5 8 8 14.5 1.5 8Z",
};

/** The shape of a kind as a small picture. */
export function mark(shape, color = "var(--quiet)") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[shape]);
  path.setAttribute("fill", color);
  if (shape === "triangle" || shape === "diamond") path.setAttribute("stroke", "var(--ink)");
  svg.append(path);
  return svg;
}

/** Draws the legend; `hideKind(kind)` and `showAlone(category)` are called as it is used. */
export function drawLegend({ categories, counts, kindCounts, hidden, alone }, { hideKind, showAlone }) {
  byId("kinds").replaceChildren(
    ...KINDS.map(({ name, shape }, kind) =>
      entry(mark(shape), name, kindCounts[kind], !hidden.has(kind), () => hideKind(kind), "kind"),
    ),
  );
  byId("categories").replaceChildren(
    ...categories.map(({ name, color }, i) =>
      entry(mark("swatch", color), name, counts[i], alone === i, () => showAlone(alone === i ? null : i)),
    ),
  );
}

function entry(picture, name, count, pressed, act, className = "") {
  const button = element(
    "button",
    { type: "button", className: `small ${className}`, "aria-pressed": pressed },
    picture,
    element("span", { className: "name" }, name),
    element("span", { className: "count" }, number(count)),
  );
  button.addEventListener("click", act);
  return element("li", {}, button);
}
