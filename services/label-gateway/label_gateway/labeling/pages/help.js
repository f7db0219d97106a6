// The dialog that shows every key, made from the table of keys.js.

import { element } from "/static/element.js";
import { KEYS } from "./keys.js";

/** Fills `dialog`; returns what opens it. */
export function keyHelp(dialog) {
  const sections = Object.entries(KEYS).map(([part, entries]) =>
    element(
      "section",
      { className: part.toLowerCase() },
      element("h3", {}, part),
      element("dl", {}, ...entries.flatMap(lines)),
    ),
  );
  const close = element(
    "button",
    { type: "button", className: "plain" },
    "Close ",
    element("kbd", {}, "Esc"),
  );
  close.addEventListener("click", () => dialog.close());
  dialog.append(
    element("header", { className: "row spread" }, element("h2", { id: "keys-title" }, "Keys"), close),
    element("div", { className: "parts" }, ...sections),
  );
  return () => dialog.showModal();
}

const lines = ({ show, says }) => [
  element("dt", {}, ...show.map((key) => (key === "…" ? key : element("kbd", {}, key)))),
  element("dd", {}, says),
];
