// How figures, times and shares read.

export const number = (value) => value?.toLocaleString("en") ?? "";
export const percent = (share, digits = 0) => (share == null ? "" : `${(100 * share).toFixed(digits)} %`);
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** "2024-05-01 10:00" in UTC, which is the time of the catalog. */
export const utc = (time, seconds = false) =>
  new Date(time).toISOString().slice(0, seconds ? 19 : 16).replace("T", " ");

/** The windows of an iteration in words. */
export const windowsOf = (it) => [it, ...it.further_windows].map(windowOf).join(", ");

// One from the beginning of time is everything so far, and one to the year 9999 what comes as well.
function windowOf({ window_start, window_end, hours }) {
  const whole = [window_start, window_end].every((time) => utc(time).endsWith("00:00"));
  const say = (time) => (whole ? utc(time).slice(0, 10) : utc(time));
  return `${new Date(window_start).getTime() <= 0 ? "beginning" : say(window_start)} – ${window_end.startsWith("9999") ? "now" : say(window_end)}${hours ? `, ${hours[0]}–${hours[1]} h` : ""}`;
}
