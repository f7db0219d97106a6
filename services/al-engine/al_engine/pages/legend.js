// What the marks and the colors mean; a kind can be hidden, a category shown alone.

import { byId, element, named } from "/static/element.js";
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

/**
 * Draws the legend; `counts` by value, `alone` the values that are shown alone, or null. `hideKind(kind)`,
 * `showAlone(values)` and `open()`, which shows the members of what is gathered, are called as it is used.
 */
export function drawLegend({ categories, counts, kindCounts, hidden, alone, opened }, { hideKind, showAlone, open }) {
  byId("kinds").replaceChildren(
    ...KINDS.map(({ name, shape }, kind) =>
      entry(mark(shape), name, kindCounts[kind], !hidden.has(kind), () => hideKind(kind), "kind"),
    ),
  );
  const choice = (name, color, values) => {
    const pressed = String(alone) === String(values);
    const count = values.reduce((sum, value) => sum + (counts[value] ?? 0), 0);
    return entry(mark("swatch", color), name, count, pressed, () => showAlone(pressed ? null : values));
  };
  byId("categories").replaceChildren(
    ...categories.flatMap(({ name, color, values, members }) => {
      if (!members) return [choice(name, color, values)];
      const parts = opened ? members.map((member) => choice(member.name, color, [member.value])) : [];
      return [choice(name, color, values), opener(name, opened, open), ...parts];
    }),
  );
}

function opener(name, opened, open) {
  const label = `${opened ? "Close" : "Open"} ${name}`;
  const button = element("button", { type: "button", className: "small", "aria-expanded": opened, "aria-label": label }, opened ? "◂" : "▸");
  button.addEventListener("click", open);
  return element("li", {}, button);
}

function entry(picture, name, count, pressed, act, className = "") {
  const button = element(
    "button",
    { type: "button", className: `small ${className}`, "aria-pressed": pressed },
    picture,
    element("span", { className: "name" }, named(name)),
    element("span", { className: "count" }, number(count)),
  );
  button.addEventListener("click", act);
  return element("li", {}, button);
}
