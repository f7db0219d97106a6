// What happened, in words: under the waveform for the eye, and a live region for a screen reader.

import { byId, element } from "/static/element.js";

/** Says what happened just now. */
export function say(text) {
  byId("said").textContent = text;
}

/** Shows a notice until `unsay(name)`: something that stands in the way of the work. */
export function notify(name, text, ...controls) {
  unsay(name);
  const notice = element("p", { className: "notice bad row spread", role: "alert", id: `notice-${name}` });
  notice.append(element("span", {}, text), ...controls);
  byId("notices").append(notice);
}

export function unsay(name) {
  byId(`notice-${name}`)?.remove();
}

export const seconds = (time_s) => `${time_s.toFixed(2)} s`;
export const span = ({ onset_s, offset_s }) => `${onset_s.toFixed(2)} – ${offset_s.toFixed(2)} s`;
