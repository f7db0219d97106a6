// The stopping panel: one small chart a figure, over the iterations, and the same figures as a table.

import { byId, element, named } from "/static/element.js";
import { number, percent } from "./say.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [240, 110, 38, 16, 6];
const TOPS = [0.1, 0.25, 0.5, 1]; // of an axis of shares
const ADVICE = {
  "go on": "Go on labeling.",
  "consider stopping": "Consider stopping.",
  "too early to say": "It is too early to say.",
};
const CHARTS = [
  { name: "Share of mismatched", of: (it) => it.mismatched, draw: line },
  { name: "Predictions that changed", of: (it) => it.changed, draw: line },
  { name: "New classes", of: (it) => it.new_classes?.length, draw: columns },
  { name: "Control-arm accuracy", of: (it) => it.control_accuracy, draw: whiskers },
];

/** Draws what GET /api/iterations/panel gives; what is not known yet is left out. */
export function drawPanel({ iterations, advice, reasons, expected_gain, prevalence }) {
  byId("advice").replaceChildren(element("b", {}, ADVICE[advice] ?? advice));
  byId("reasons").replaceChildren(...reasons.map((reason) => element("li", {}, reason)));
  byId("charts").replaceChildren(
    ...CHARTS.map((chart) => figure(chart, iterations)),
    gain(expected_gain),
    ...(prevalence.length ? [shares(prevalence)] : []),
  );
  const heads = ["Iteration", "Labels", ...CHARTS.map(({ name }) => name)];
  const rows = iterations.map((it) => [it.number, it.labels, ...CHARTS.map(({ of }) => words(of(it)))]);
  byId("chart-figures").replaceChildren(
    element("thead", {}, row("th", heads)),
    element("tbody", {}, ...rows.map((cells) => row("td", cells.map(String)))),
  );
}

const row = (tag, cells) => element("tr", {}, ...cells.map((text) => element(tag, tag === "th" ? { scope: "col" } : {}, text)));

function words(value) {
  if (value == null) return "–";
  if (typeof value === "number") return number(value);
  return `${percent(value.value)} (${percent(value.low)} – ${percent(value.high)})`;
}

function figure({ name, of, draw }, iterations) {
  const known = iterations.map((it) => ({ at: it.number, value: of(it) })).filter(({ value }) => value != null);
  const last = known.at(-1)?.value;
  const short = last == null ? "–" : typeof last === "number" ? number(last) : percent(last.value);
  const told = known.map(({ at, value }) => `iteration ${at}: ${words(value)}`).join("; ") || "not known yet";
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name}. ${told}` });
  const last_number = iterations.at(-1)?.number ?? 1;
  const x = (at) => LEFT + ((WIDTH - LEFT - 8) * (at - 0.5)) / last_number;
  const top = most(known);
  svg.append(...axes(last_number, x, top, draw !== columns), ...draw(known, x, top));
  return captioned(name, short, svg);
}

function most(known) {
  const values = known.map(({ value }) => value.high ?? value);
  if (known.length && known[0].value.high === undefined) return Math.max(1, ...values);
  return TOPS.find((top) => values.every((value) => value <= top)) ?? 1;
}

const y = (value, top) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * value) / top;

function axes(last, x, top, isShare) {
  const label = (text, at, extra) => {
    const made = shape("text", { ...at, ...extra });
    made.textContent = text;
    return made;
  };
  const say = (value) => (isShare ? percent(value) : number(value));
  return [
    shape("path", { class: "axis", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 4}` }),
    label(say(top), { x: LEFT - 4, y: TOP + 8 }, { "text-anchor": "end" }),
    label(say(0), { x: LEFT - 4, y: HEIGHT - BOTTOM }, { "text-anchor": "end" }),
    label("1", { x: x(1), y: HEIGHT - 3 }, { "text-anchor": "middle" }),
    ...(last > 1 ? [label(`${last}`, { x: x(last), y: HEIGHT - 3 }, { "text-anchor": "middle" })] : []),
  ];
}

function line(known, x, top) {
  const path = (get) => known.map(({ at, value }) => `${x(at)} ${y(get(value), top)}`);
  const back = path((it) => it.low).reverse();
  return [
    shape("path", { class: "band", d: known.length > 1 ? `M${[...path((it) => it.high), ...back].join("L")}Z` : "" }),
    shape("path", { class: "line", d: known.length ? `M${path((it) => it.value).join("L")}` : "" }),
    ...dots(known, x, top),
  ];
}

function whiskers(known, x, top) {
  const ends = known.map(({ at, value: { low, high } }) =>
    shape("path", { class: "whisker", d: `M${x(at)} ${y(low, top)}V${y(high, top)}M${x(at) - 3} ${y(low, top)}h6M${x(at) - 3} ${y(high, top)}h6` }),
  );
  return [...ends, ...dots(known, x, top)];
}

const dots = (known, x, top) =>
  known.map(({ at, value }) => shape("circle", { class: "dot", cx: x(at), cy: y(value.value, top), r: 3 }));

function columns(known, x, top) {
  const width = Math.max(2, Math.min(16, x(2) - x(1) - 3));
  return known.map(({ at, value }) =>
    shape("rect", { class: "column", x: x(at) - width / 2, y: y(value, top), width, height: y(0, top) - y(value, top) }),
  );
}

function gain(expected) {
  const lines = [];
  if (expected?.new_classes != null) lines.push(counted(expected.new_classes, "new class", "new classes"));
  if (expected?.accuracy != null) lines.push(counted(100 * expected.accuracy, "point of accuracy", "points of accuracy"));
  const body = element("div", {}, ...(lines.length ? lines : ["not known yet"]).map((text) => element("p", { style: "margin: 0" }, text)));
  if (expected?.method) body.append(element("p", { className: "quiet", style: "margin: .25rem 0 0" }, expected.method));
  return captioned(`Expected of the next ${number(expected?.labels ?? 100)} labels`, "", body, "wide");
}

function counted(value, one, many) {
  const text = value.toFixed(1);
  return `${text} ${text === "1.0" ? one : many}`;
}

function shares(prevalence) {
  const list = prevalence
    .slice(0, 6)
    .map(({ name, share }) => row("td", [named(name), `${percent(share.value)} (${percent(share.low)} – ${percent(share.high)})`]));
  return captioned("How common a class is, by the control arm", "", element("table", {}, element("tbody", {}, ...list)));
}

function captioned(name, value, body, className = "") {
  return element("figure", { className }, element("figcaption", {}, element("span", {}, name), element("b", {}, value)), body);
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
