// The colors of what is drawn on a canvas, from the variables of the style sheet, light or dark.

const dark = matchMedia("(prefers-color-scheme: dark)");

/** `{wave, played, cursor, ink}` as CSS colors and `spectrum` as 256 `[r, g, b, a]`, each 0 to 1. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    wave: color("wave"),
    played: color("played"),
    cursor: color("cursor"),
    ink: color("ink"),
    spectrum: ramp(color("spectrum").split(/\s+/).map(fromHex)),
  };
}

export function whenThemeChanges(act) {
  dark.addEventListener("change", act);
}

function ramp(stops) {
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mix = (channel) =>
      stops[low][channel] + (at - low) * (stops[low + 1][channel] - stops[low][channel]);
    return [mix(0), mix(1), mix(2), 1];
  });
}

const fromHex = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
