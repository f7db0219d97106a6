// What the points are colored by, and in which colors, light or dark.

const DISTINCT = 8;
const MOST_SETS = 12;
const dark = matchMedia("(prefers-color-scheme: dark)");

export function whenThemeChanges(act) {
  dark.addEventListener("change", act);
}

/** Colors 0xBBGGRR of the canvas. */
export function grounds() {
  return { ground: bgr(css("surface")), ink: bgr(css("ink")), dim: bgr(css("dim")) };
}

/**
 * The categories of the points by "set", "tagger" or "label": `{name, color, values}` each, `color` as CSS,
 * `values` those numbers of the points that it stands for. One that gathers what is left has `members` too,
 * `{name, value}` each.
 */
export function categoriesBy(field, points) {
  return field === "set" ? bySet(points) : byName(points, field);
}

/** The number of the category of every value. */
export function categoryOf(categories) {
  const numbers = [];
  categories.forEach(({ values }, category) => values.forEach((value) => (numbers[value] = category)));
  return numbers;
}

function bySet({ set }) {
  const last = set.reduce((most, it) => Math.max(most, it), 0);
  const shown = Math.min(last, MOST_SETS);
  const colors = ramp(css("ramp").split(/\s+/), shown);
  const categories = colors.map((color, i) => ({ name: `D${i + 1}`, color, values: [i + 1] }));
  if (last > shown) {
    const members = numbered(shown, last).map((value) => ({ name: `D${value}`, value }));
    Object.assign(categories[shown - 1], gathered(`D${shown} – D${last}`, members));
  }
  categories.push({ name: "in no set", color: css("other"), values: [0] });
  return categories;
}

function byName(points, field) {
  const names = points.header[field === "tagger" ? "tagger_classes" : "labels"];
  const named = names.filter(Boolean).length;
  const shown = named > DISTINCT ? DISTINCT - 1 : named;
  const categories = names
    .slice(0, shown)
    .map((name, value) => ({ name, color: css(`class-${value + 1}`), values: [value] }));
  if (named > shown) {
    const members = numbered(shown, named - 1).map((value) => ({ name: names[value], value }));
    categories.push({ color: css(`class-${DISTINCT}`), ...gathered(`${named - shown} other classes`, members) });
  }
  // No label comes last of the names.
  if (names.includes("")) categories.push({ name: "no label", color: css("other"), values: [named] });
  return categories;
}

const gathered = (name, members) => ({ name, members, values: members.map(({ value }) => value) });
const numbered = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** The color as the canvas takes it. */
export function bgr(hex) {
  const [red, green, blue] = channels(hex);
  return (blue << 16) | (green << 8) | red;
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function channels(hex) {
  const long = hex.length === 4 ? hex.replace(/[^#]/g, "$&$&") : hex;
  return [1, 3, 5].map((at) => parseInt(long.slice(at, at + 2), 16));
}

function ramp(stops, count) {
  const ends = stops.map(channels);
  return Array.from({ length: count }, (_, i) => {
    const at = count > 1 ? (i / (count - 1)) * (ends.length - 1) : 1;
    const low = Math.min(Math.floor(at), ends.length - 2);
    const mixed = ends[low].map((value, channel) => value + (at - low) * (ends[low + 1][channel] - value));
    return `#${mixed.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
  });
}
