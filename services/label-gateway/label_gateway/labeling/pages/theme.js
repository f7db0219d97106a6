// The colors of what is drawn on a canvas, from the variables of the style sheet, light or dark.

const dark = matchMedia("(prefers-color-scheme: dark)");

/** `{wave}` as a CSS color, and `spectrum` as 256 pixels of `ImageData`, from silence to the loudest point. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return { wave: color("wave"), spectrum: ramp(color("spectrum").split(/\s+/).map(fromHex)) };
}

export function whenThemeChanges(act) {
  dark.addEventListener("change", act);
}

function ramp(stops) {
  const colors = new Uint8ClampedArray(4 * 256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mix = (channel) =>
      stops[low][channel] + (at - low) * (stops[low + 1][channel] - stops[low][channel]);
    colors.set([mix(0), mix(1), mix(2), 255], 4 * i);
  }
  return new Uint32Array(colors.buffer);
}

const fromHex = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
