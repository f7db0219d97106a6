// The marks as a list, and the edges of the selected one as numbers.

import { byId, element, listed } from "/static/element.js";
import { inFull, misfit, say, span } from "./say.js";

export function showMarks(marks, nameOf) {
  const list = byId("marks");
  const editor = byId("edges");
  const [onset, offset] = [byId("onset"), byId("offset")];

  list.addEventListener("click", ({ target }) => {
    const row = target.closest("[data-mark]");
    if (row) marks.select(Number(row.dataset.mark));
  });
  takeNumber(onset, "onset_s");
  takeNumber(offset, "offset_s");

  function draw() {
    const focused = document.activeElement?.dataset?.mark;
    list.replaceChildren(...marks.list.map((mark, i) => row(mark, i + 1)));
    list.querySelector(`[data-mark="${focused}"]`)?.focus();
    byId("no-marks").hidden = marks.list.length > 0;
    editor.disabled = marks.current === null;
    for (const [input, edge] of [
      [onset, "onset_s"],
      [offset, "offset_s"],
    ]) {
      if (input !== document.activeElement) input.value = marks.current ? inFull(marks.current[edge]) : "";
    }
  }

  function row(mark, number) {
    const names = listed(mark.class_ids.map(nameOf));
    const button = element(
      "button",
      { type: "button", "data-mark": mark.id, "aria-pressed": mark.id === marks.selected },
      element("span", { className: "number" }, `${number}`),
      element("span", { className: "span" }, span(mark)),
      names.length
        ? element("span", { className: "names" }, ...names)
        : element("span", { className: "names missing" }, "no class yet"),
    );
    return element("li", {}, button);
  }

  // Enter takes the number, Escape leaves it; both give the keys back to the page.
  function takeNumber(input, edge) {
    const restore = () => (input.value = marks.current ? inFull(marks.current[edge]) : "");
    input.addEventListener("change", () => take(input.value, edge));
    input.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") restore();
      if (key === "Enter" || key === "Escape") input.blur();
    });
    input.addEventListener("blur", restore);
  }

  function take(text, edge) {
    const mark = marks.current;
    if (!mark) return;
    const [title, edges] = [`Mark ${marks.number(mark.id)}`, { [edge]: typedNumber(text) }];
    if (Number.isNaN(edges[edge])) say(`“${text}” is no number of seconds. ${title} stays ${span(mark)}.`);
    else if (!marks.move(mark.id, edges)) say(misfit(title, mark, edges, marks.duration_s));
    else say(`${title}: ${span(marks.current)}.`);
  }

  marks.addEventListener("change", draw);
  return draw;
}

/** The number that somebody typed, with a decimal point or comma, in Arabic or Persian digits too; or NaN. */
export function typedNumber(text) {
  const digits = text.normalize("NFKC").trim().replace(/[٠-٩۰-۹]/g, (digit) => digit.charCodeAt(0) & 15);
  return /\d/.test(digits) ? Number(digits.replace(/[,٫]/, ".")) : NaN;
}
