// The wheel over the plot and the bar under it: which span of the audio is in view.

import { byId } from "/static/element.js";

const WHEEL_PX = 300; // that the wheel turns for twice as much, or half
const LINE_PX = 16; // of a wheel that counts in lines, as those of Firefox

export function listenToWheel(plot, view) {
  plot.addEventListener(
    "wheel",
    (event) => {
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
      const [x, y] = [event.deltaX * unit, event.deltaY * unit];
      const sideways = event.shiftKey ? x || y : x;
      const isZoom = !event.shiftKey && Math.abs(y) > Math.abs(x);
      if (isZoom && y > 0 && view.isWhole) return; // nothing more to show: the page scrolls
      event.preventDefault();
      const { left, width } = plot.getBoundingClientRect();
      if (isZoom) view.zoom(2 ** (y / WHEEL_PX), view.time((event.clientX - left) / width));
      else view.scroll(sideways / width);
    },
    { passive: false },
  );
}

export function showView(view) {
  const bar = byId("span-in-view");
  bar.addEventListener("input", () => view.scroll((Number(bar.value) - view.from_s) / view.span_s));
  bar.addEventListener("change", () => bar.matches(":focus-visible") || bar.blur());
  view.addEventListener("change", draw);
  draw();

  function draw() {
    bar.max = Math.max(view.duration_s - view.span_s, 0);
    bar.value = view.from_s;
    bar.disabled = view.isWhole;
    bar.setAttribute("aria-valuetext", `${view.from_s.toFixed(2)} to ${view.to_s.toFixed(2)} s`);
  }
}
