// The row under the waveform: play, loop, speed, and where the cursor is.

import { byId, element } from "/static/element.js";
import { SPEEDS } from "./player.js";
import { inFull } from "./say.js";

export function showTransport(player) {
  const speed = byId("speed");
  speed.append(...SPEEDS.map((value) => element("option", { value }, `${value}×`)));
  speed.addEventListener("change", () => {
    player.speed = Number(speed.value);
    if (!speed.matches(":focus-visible")) speed.blur(); // whoever came by keys goes on by keys
  });
  player.addEventListener("time", drawTime);
  player.addEventListener("state", drawState);
  drawState();

  function drawTime() {
    const cursor = player.isPlaying ? player.cursor_s.toFixed(2) : inFull(player.cursor_s);
    byId("time").textContent = `${cursor} / ${inFull(player.duration_s)} s`;
  }

  function drawState() {
    drawTime();
    byId("play").querySelector(".what").textContent = player.isPlaying ? "Pause" : "Play";
    byId("play").classList.toggle("playing", player.isPlaying);
    byId("loop").setAttribute("aria-pressed", player.looping);
    speed.value = String(player.speed);
  }
}
