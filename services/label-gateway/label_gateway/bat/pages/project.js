// One project of BAT: what was brought there, what has come back, and what waits for a lead.

import { element, named } from "/static/element.js";

const number = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

const ELSEWHERE = "Whoever labels in BAT answers such an audio on the labeling page.";

/** The card of a project, as /api/bat tells of it. */
export function project(it) {
  const title = element("h2", {}, `Proposed ${new Date(it.proposed_at).toLocaleString()}: `, named(it.group));
  return element(
    "article",
    { className: "card" },
    title,
    element("progress", { value: it.pushed, max: Math.max(it.audios, 1), "aria-label": "Audios in BAT" }),
    element("p", {}, `${it.pushed} of ${number(it.audios, "audio")} in BAT, as `, named(it.name), `. ${stage(it)}`),
    ...(it.last_error ? [element("p", { className: "notice warn" }, it.last_error)] : []),
    ...it.refused.map((reason) => element("p", { className: "notice warn foreign" }, `${reason}. ${ELSEWHERE}`)),
    ...(it.users.length ? [users(it)] : []),
    ...it.listed.map(waiting),
    element("p", { className: "quiet" }, round(it.last_round_s)),
  );
}

function stage({ closed, read_to_end, deleted }) {
  if (deleted) return "Its batch is closed, everything was read, and it is deleted there.";
  if (read_to_end) return "Its batch is closed, and everything was read.";
  return closed ? "Its batch is closed: everything is read once more." : "";
}

function users({ users: list }) {
  const heads = ["Who", "User in BAT", "Finished", "Taken over"].map((it) => element("th", { scope: "col" }, it));
  const rows = list.map(({ bat_user, name, finished, imported }) =>
    element(
      "tr",
      {},
      cell("Who", name === null ? "nobody here" : named(name)),
      cell("User in BAT", named(bat_user)),
      cell("Finished", String(finished)),
      cell("Taken over", String(imported)),
    ),
  );
  return element(
    "table",
    { className: "stacked foreign" },
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows),
  );
}

const cell = (head, content) => element("td", { "data-head": head }, content);

function waiting({ bat_user, reason, todo, audios, which }) {
  const more = audios - which.length;
  const all = more > 0 ? [...which, `and ${more} more`] : which;
  const what = `, ${number(audios, "audio")}: ${reason}. ${todo}`;
  const where = element("span", { className: "quiet" }, all.join(", "));
  return element("p", { className: "notice warn foreign" }, named(bat_user), what, element("br"), where);
}

function round(seconds) {
  if (seconds === null) return "No round has come here yet.";
  return seconds < 90 ? `Last round ${Math.round(seconds)} s ago.` : `Last round ${Math.round(seconds / 60)} min ago.`;
}
