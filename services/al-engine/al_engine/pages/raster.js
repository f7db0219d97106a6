// Draws thousands of marks by writing pixels: no WebGL, so that it runs where there is no graphics card.

const GRAIN = 4; // samples a pixel, in each direction
const OUTLINE = 1.3;

const inside = {
  disc: (x, y, r) => x * x + y * y <= r * r,
  diamond: (x, y, r) => Math.abs(x) + Math.abs(y) <= r * 1.2,
  triangle: (x, y, r) => y <= r * 0.75 && 1.8 * Math.abs(x) <= y + r * 1.1,
};

/** A mark to draw: `shape` of radius `r` in device pixels; with an outline, which tells it from the rest. */
export function stamp(shape, r, outlined) {
  const reach = Math.ceil(r * 1.3) + 1;
  const dx = [], dy = [], fill = [], edge = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      let [inner, outer] = [0, 0];
      for (let i = 0; i < GRAIN * GRAIN; i++) {
        const at = [x + ((i % GRAIN) + 0.5) / GRAIN - 0.5, y + (Math.floor(i / GRAIN) + 0.5) / GRAIN - 0.5];
        if (!inside[shape](...at, r)) continue;
        if (outlined && !inside[shape](...at, r - OUTLINE)) outer++;
        else inner++;
      }
      if (!inner && !outer) continue;
      dx.push(x);
      dy.push(y);
      fill.push((255 * inner) / GRAIN ** 2);
      edge.push((255 * outer) / GRAIN ** 2);
    }
  }
  return { reach, dx: Int32Array.from(dx), dy: Int32Array.from(dy), fill: Uint8Array.from(fill), edge: Uint8Array.from(edge) };
}

/** Pixels of a canvas, written here and shown at once. Colors are 0xBBGGRR. */
export class Raster {
  #context;
  #image;
  #pixels;

  constructor(canvas) {
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#image = this.#context.createImageData(canvas.width, canvas.height);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
  }

  clear(color) {
    this.#pixels.fill(0xff000000 | color);
  }

  show() {
    this.#context.putImageData(this.#image, 0, 0);
  }

  put({ reach, dx, dy, fill, edge }, x, y, color, edgeColor) {
    const { width, height } = this.#image;
    const [left, top] = [Math.round(x), Math.round(y)];
    if (left < reach || top < reach || left >= width - reach || top >= height - reach) return;
    const pixels = this.#pixels;
    const start = top * width + left;
    const solid = 0xff000000 | color;
    for (let i = 0; i < fill.length; i++) {
      const at = start + dy[i] * width + dx[i];
      const f = fill[i];
      if (f === 255) {
        pixels[at] = solid;
        continue;
      }
      const e = edge[i];
      const rest = 255 - f - e;
      const under = pixels[at];
      const red = ((under & 255) * rest + (color & 255) * f + (edgeColor & 255) * e) >> 8;
      const green =
        (((under >> 8) & 255) * rest + ((color >> 8) & 255) * f + ((edgeColor >> 8) & 255) * e) >> 8;
      const blue =
        (((under >> 16) & 255) * rest + ((color >> 16) & 255) * f + ((edgeColor >> 16) & 255) * e) >> 8;
      pixels[at] = 0xff000000 | (blue << 16) | (green << 8) | red;
    }
  }
}
