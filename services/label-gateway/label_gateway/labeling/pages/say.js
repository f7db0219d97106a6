// What happened, in words: under the waveform for the eye, and a live region for a screen reader.

import { byId, element } from "/static/element.js";

/** Says what happened just now: texts, and names as elements of their own. */
export function say(...parts) {
  byId("said").replaceChildren(element("span", {}, ...parts));
}

/**
 * Shows a notice until `unsay(name)`: something that stands in the way of the work; `words` is a text, or texts and
 * names as elements of their own.
 */
export function notify(name, words, ...controls) {
  const told = element("span", {}, ...[words].flat());
  const text = told.textContent;
  if (byId(`notice-${name}`)?.dataset.text === text) return; // a screen reader would read it again
  unsay(name);
  const notice = element("p", { className: "notice bad row spread", role: "alert", id: `notice-${name}` });
  notice.dataset.text = text;
  notice.append(told, ...controls);
  byId("notices").append(notice);
}

export function unsay(name) {
  byId(`notice-${name}`)?.remove();
}

/** A time in seconds as it is saved, to the millisecond; the last digit is left out where it is 0. */
export const inFull = (time_s) => time_s.toFixed(3).replace(/0$/, "");
export const seconds = (time_s) => `${inFull(time_s)} s`;
export const span = ({ onset_s, offset_s }) => `${inFull(onset_s)} – ${inFull(offset_s)} s`;

/** Why `edges` cannot be those of `mark`, in an audio of so many seconds. */
export function misfit(title, mark, { onset_s = mark.onset_s, offset_s = mark.offset_s }, duration_s) {
  const stays = `It stays ${span(mark)}.`;
  const isOutside = (edge_s) => edge_s < 0 || edge_s > duration_s;
  if (isOutside(onset_s) || isOutside(offset_s)) return `The audio goes from 0 to ${seconds(duration_s)}. ${stays}`;
  return `${title} would end at ${seconds(offset_s)}, and begin at ${seconds(onset_s)}. ${stays}`;
}
