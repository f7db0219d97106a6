// A scatter plot that can be moved, zoomed, pointed at and lassoed, for some ten thousand points.

import { Raster, stamp } from "./raster.js";

const REACH_PX = 9; // how near the pointer has to come to a point
const MARGIN = 0.06;
const MOST_ZOOM = 60;
const CELLS = 64; // of the grid that finds points, in each direction
const SVG = "http://www.w3.org/2000/svg";

/** Emits "point" {index or null} as the pointer goes, "pick" {index} on a click, "lasso" {indices}. */
export class Scatter extends EventTarget {
  lassoing = false;
  #box;
  #canvas;
  #overlay;
  #raster = null;
  #points = null;
  #look = null; // {order, colors, stamps, visible, ground, ink}
  #grid = null;
  #view = { x: 0, y: 0, zoom: 1 };
  #current = null;
  #other = null;
  #waits = false;
  #drag = null;
  #lasso = [];
  #stamps = [];

  constructor(box) {
    super();
    this.#box = box;
    this.#canvas = box.querySelector("canvas");
    this.#overlay = box.querySelector("svg");
    new ResizeObserver(() => this.#resize()).observe(box);
    this.#canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#canvas.addEventListener("pointerdown", (event) => this.#down(event));
    this.#canvas.addEventListener("pointermove", (event) => this.#move(event));
    this.#canvas.addEventListener("pointerup", (event) => this.#up(event));
    this.#canvas.addEventListener("pointercancel", () => this.#drop());
    this.#canvas.addEventListener("pointerleave", () => this.#drag || this.#emit("point", { index: null }));
  }

  /** Shows points, `{x, y}` [points], fitted into the box. */
  show(points) {
    const { x, y } = points;
    const [left, right] = extent(x);
    const [bottom, top] = extent(y);
    const size = Math.max(right - left, top - bottom) || 1;
    // In units of the box's shorter side, the middle at 0; UMAP's axes mean nothing, so both have one scale.
    this.#points = {
      x: x.map((value) => (value - (left + right) / 2) / size),
      y: y.map((value) => ((bottom + top) / 2 - value) / size),
    };
    this.#grid = gridOf(this.#points);
    this.fit();
  }

  /** How each point looks: `order` of drawing, `colors` 0xBBGGRR, `kinds`, `visible`, all [points]. */
  paint(look) {
    this.#look = look;
    this.#redraw();
  }

  fit() {
    this.#view = { x: 0, y: 0, zoom: 1 };
    this.#redraw();
  }

  /** Moves by parts of the box. */
  pan(across, down) {
    const { width, height, scale } = this.#measures();
    this.#view.x += (across * width) / scale;
    this.#view.y += (down * height) / scale;
    this.#redraw();
  }

  zoom(factor, at = null) {
    const before = at && this.#toData(at);
    this.#view.zoom = Math.min(Math.max(this.#view.zoom * factor, 0.5), MOST_ZOOM);
    if (at) {
      const after = this.#toData(at);
      this.#view.x += before[0] - after[0];
      this.#view.y += before[1] - after[1];
    }
    this.#redraw();
  }

  /** Rings the point `index` and joins it with `other`; either may be null. Brings it into the box. */
  mark(index, other = null, bring = false) {
    this.#current = index;
    this.#other = other;
    if (bring && index !== null && this.#points) {
      const { width, height } = this.#measures();
      const [x, y] = this.#toBox(index);
      if (x < 12 || y < 12 || x > width - 12 || y > height - 12) {
        this.#view.x = this.#points.x[index];
        this.#view.y = this.#points.y[index];
        this.#redraw();
      }
    }
    this.#drawOverlay();
  }

  /** Where a point is in the box, in CSS pixels. */
  place(index) {
    return this.#toBox(index);
  }

  #measures() {
    const { clientWidth: width, clientHeight: height } = this.#box;
    return { width, height, scale: Math.min(width, height) * (1 - 2 * MARGIN) * this.#view.zoom };
  }

  #toBox(index) {
    const { width, height, scale } = this.#measures();
    return [
      width / 2 + (this.#points.x[index] - this.#view.x) * scale,
      height / 2 + (this.#points.y[index] - this.#view.y) * scale,
    ];
  }

  #toData([x, y]) {
    const { width, height, scale } = this.#measures();
    return [(x - width / 2) / scale + this.#view.x, (y - height / 2) / scale + this.#view.y];
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#box;
    if (!clientWidth || !clientHeight) return;
    const ratio = devicePixelRatio;
    this.#canvas.width = Math.round(clientWidth * ratio);
    this.#canvas.height = Math.round(clientHeight * ratio);
    this.#raster = new Raster(this.#canvas);
    this.#stamps = [stamp("disc", 2.4 * ratio, false), stamp("triangle", 6 * ratio, true), stamp("diamond", 5 * ratio, true)];
    this.#draw(); // at once: a canvas that has changed its size is empty
  }

  #redraw() {
    if (this.#waits) return;
    this.#waits = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#waits = false;
    if (!this.#raster || !this.#points || !this.#look) return;
    const { order, colors, kinds, visible, ground, ink, dim } = this.#look;
    const { x, y } = this.#points;
    const ratio = this.#canvas.width / this.#box.clientWidth;
    const { width, height, scale } = this.#measures();
    const [k, left, top] = [
      scale * ratio,
      (width / 2 - this.#view.x * scale) * ratio,
      (height / 2 - this.#view.y * scale) * ratio,
    ];
    const raster = this.#raster;
    raster.clear(ground);
    for (const i of order) {
      const color = visible[i] ? colors[i] : dim;
      raster.put(this.#stamps[visible[i] ? kinds[i] : 0], x[i] * k + left, y[i] * k + top, color, ink);
    }
    raster.show();
    this.#drawOverlay();
    this.#box.dataset.drawn = Number(this.#box.dataset.drawn ?? 0) + 1;
  }

  #drawOverlay() {
    if (!this.#points) return;
    const parts = [];
    if (this.#lasso.length > 1) parts.push(shape("path", { class: "lasso", d: `M${this.#lasso.join("L")}Z` }));
    if (this.#current !== null) {
      const [x, y] = this.#toBox(this.#current);
      if (this.#other !== null) {
        const [x2, y2] = this.#toBox(this.#other);
        parts.push(shape("line", { class: "nearest", x1: x, y1: y, x2, y2 }));
        parts.push(shape("circle", { class: "current", cx: x2, cy: y2, r: 6 }));
      }
      parts.push(shape("circle", { class: "current", cx: x, cy: y, r: 10 }));
    }
    this.#overlay.replaceChildren(...parts);
  }

  #near(at) {
    if (!this.#points || !this.#look) return null;
    const { scale } = this.#measures();
    const [x, y] = this.#toData(at);
    const reach = REACH_PX / scale;
    let [best, nearest] = [null, reach * reach];
    this.#grid.around(x, y, reach, (i) => {
      if (!this.#look.visible[i]) return;
      const away = (this.#points.x[i] - x) ** 2 + (this.#points.y[i] - y) ** 2;
      // Of marks that lie on each other the one drawn last is meant: a proposal before the rest.
      if (away > nearest || (best !== null && this.#look.kinds[i] === 0 && this.#look.kinds[best] !== 0)) return;
      [best, nearest] = [i, away];
    });
    return best;
  }

  #wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * 0.0015), [event.offsetX, event.offsetY]);
  }

  #down(event) {
    if (event.button !== 0) return;
    const at = [event.offsetX, event.offsetY];
    this.#canvas.setPointerCapture(event.pointerId);
    this.#drag = { at, from: at, moved: false, lasso: this.lassoing || event.shiftKey };
    if (this.#drag.lasso) this.#lasso = [at];
  }

  #move(event) {
    const at = [event.offsetX, event.offsetY];
    const drag = this.#drag;
    if (!drag) return this.#emit("point", { index: this.#near(at) });
    drag.moved ||= Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) > 3;
    if (drag.lasso) {
      this.#lasso.push(at);
      this.#drawOverlay();
    } else if (drag.moved) {
      const { scale } = this.#measures();
      this.#box.classList.add("moving");
      this.#view.x -= (at[0] - drag.at[0]) / scale;
      this.#view.y -= (at[1] - drag.at[1]) / scale;
      this.#redraw();
    }
    drag.at = at;
  }

  #up(event) {
    const drag = this.#drag;
    const lasso = this.#lasso;
    this.#drop();
    if (!drag) return;
    if (!drag.moved) this.#emit("pick", { index: this.#near([event.offsetX, event.offsetY]) });
    else if (drag.lasso) this.#emit("lasso", { indices: this.#inside(lasso) });
  }

  #drop() {
    this.#drag = null;
    this.#lasso = [];
    this.#box.classList.remove("moving");
    this.#drawOverlay();
  }

  #inside(polygon) {
    const corners = polygon.map((at) => this.#toData(at));
    const { x, y } = this.#points;
    const found = [];
    for (let i = 0; i < x.length; i++) {
      if (this.#look.visible[i] && contains(corners, x[i], y[i])) found.push(i);
    }
    return found;
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Whether a polygon holds a point: a ray from it crosses the edges an odd number of times. */
export function contains(corners, x, y) {
  let odd = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const [[x1, y1], [x2, y2]] = [corners[i], corners[j]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd = !odd;
  }
  return odd;
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Coordinates run from -0.5 to 0.5.
function gridOf({ x, y }) {
  const cells = Array.from({ length: CELLS * CELLS }, () => []);
  const cell = (value) => Math.min(Math.max(Math.floor((value + 0.5) * CELLS), 0), CELLS - 1);
  for (let i = 0; i < x.length; i++) cells[cell(y[i]) * CELLS + cell(x[i])].push(i);
  return {
    around(atX, atY, reach, visit) {
      for (let row = cell(atY - reach); row <= cell(atY + reach); row++) {
        for (let column = cell(atX - reach); column <= cell(atX + reach); column++) {
          cells[row * CELLS + column].forEach(visit);
        }
      }
    },
  };
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
