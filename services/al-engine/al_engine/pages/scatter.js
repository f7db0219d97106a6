// A scatter plot that can be moved, zoomed, pointed at and lassoed, for some ten thousand points.

import { contains, extent, gridOf } from "./plane.js";
import { Raster, stamp } from "./raster.js";

const REACH_PX = 9; // how near the pointer has to come to a point
const DOT_PX = 2.4; // the radius of a mark of the rest, where there are many
const MANY = 5000;
const MARGIN = 0.06;
const MOST_ZOOM = 60;
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
  #halos = [];
  #dot = DOT_PX;

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
    // In parts of the box, its middle at 0. UMAP's axes mean nothing, so each may have its own scale.
    this.#points = {
      x: x.map((value) => (value - (left + right) / 2) / (right - left || 1)),
      y: y.map((value) => ((bottom + top) / 2 - value) / (top - bottom || 1)),
    };
    this.#dot = DOT_PX + (1 - Math.min(x.length / MANY, 1)) * 1.6;
    this.#makeStamps();
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
    this.#view.x += across / this.#view.zoom;
    this.#view.y += down / this.#view.zoom;
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

  #measures() {
    const { clientWidth: width, clientHeight: height } = this.#box;
    const part = (1 - 2 * MARGIN) * this.#view.zoom;
    return { width, height, scaleX: width * part, scaleY: height * part };
  }

  #toBox(index) {
    const { width, height, scaleX, scaleY } = this.#measures();
    return [
      width / 2 + (this.#points.x[index] - this.#view.x) * scaleX,
      height / 2 + (this.#points.y[index] - this.#view.y) * scaleY,
    ];
  }

  #toData([x, y]) {
    const { width, height, scaleX, scaleY } = this.#measures();
    return [(x - width / 2) / scaleX + this.#view.x, (y - height / 2) / scaleY + this.#view.y];
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#box;
    if (!clientWidth || !clientHeight) return;
    const ratio = devicePixelRatio;
    this.#canvas.width = Math.round(clientWidth * ratio);
    this.#canvas.height = Math.round(clientHeight * ratio);
    this.#raster = new Raster(this.#canvas);
    this.#makeStamps();
    this.#draw(); // at once: a canvas that has changed its size is empty
  }

  #makeStamps() {
    const ratio = devicePixelRatio;
    this.#stamps = [
      stamp("disc", this.#dot * ratio, false),
      stamp("triangle", 6 * ratio, true),
      stamp("diamond", 5 * ratio, true),
    ];
    // What is not of the rest stands on a ground of its own: its outline is seen on a dark crowd too.
    this.#halos = [null, stamp("triangle", 8.5 * ratio, false), stamp("diamond", 7 * ratio, false)];
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
    const { width, height, scaleX, scaleY } = this.#measures();
    const [across, down] = [scaleX * ratio, scaleY * ratio];
    const left = (width * ratio) / 2 - this.#view.x * across;
    const top = (height * ratio) / 2 - this.#view.y * down;
    const raster = this.#raster;
    raster.clear(ground);
    for (const i of order) {
      const color = visible[i] ? colors[i] : dim;
      const kind = visible[i] ? kinds[i] : 0;
      const at = [x[i] * across + left, y[i] * down + top];
      if (kind) raster.put(this.#halos[kind], ...at, ground, ground);
      raster.put(this.#stamps[kind], ...at, color, ink);
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
    const { scaleX, scaleY } = this.#measures();
    const [x, y] = this.#toData(at);
    let [best, nearest] = [null, REACH_PX ** 2];
    this.#grid.around(x, y, REACH_PX / scaleX, REACH_PX / scaleY, (i) => {
      if (!this.#look.visible[i]) return;
      const away = ((this.#points.x[i] - x) * scaleX) ** 2 + ((this.#points.y[i] - y) * scaleY) ** 2;
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
      const { scaleX, scaleY } = this.#measures();
      this.#box.classList.add("moving");
      this.#view.x -= (at[0] - drag.at[0]) / scaleX;
      this.#view.y -= (at[1] - drag.at[1]) / scaleY;
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

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
