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
 * The categories of the points by "set", "tagger" or "label": `{categories, of}`, `of(i)` being the number
 * of a point's category, and a category `{name, color}`, `color` as CSS; the last may gather what is left.
 */
export function categoriesBy(field, points) {
  return field === "set" ? bySet(points) : byName(points, field);
}

function bySet({ set }) {
  const last = set.reduce((most, it) => Math.max(most, it), 0);
  const shown = Math.min(last, MOST_SETS);
  const colors = ramp(css("ramp").split(/\s+/), shown);
  const categories = colors.map((color, i) => ({ name: `D${i + 1}`, color }));
  if (last > shown) categories[shown - 1].name = `D${shown} – D${last}`;
  categories.push({ name: "in no set", color: css("other") });
  return { categories, of: (i) => (set[i] ? Math.min(set[i], shown) - 1 : shown) };
}

function byName(points, field) {
  const numbers = points[field];
  const names = points.header[field === "tagger" ? "tagger_classes" : "labels"];
  const named = names.filter(Boolean).length;
  const shown = named > DISTINCT ? DISTINCT - 1 : named;
  const categories = names.slice(0, shown).map((name, i) => ({ name, color: css(`class-${i + 1}`) }));
  if (named > shown) {
    categories.push({ name: `${named - shown} other classes`, color: css(`class-${DISTINCT}`) });
  }
  if (names.includes("")) categories.push({ name: "no label", color: css("other") });
  const none = categories.length - 1;
  return { categories, of: (i) => (names[numbers[i]] === "" ? none : Math.min(numbers[i], shown)) };
}

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
