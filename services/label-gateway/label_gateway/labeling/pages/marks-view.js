// The marks as a list, and the edges of the selected one as numbers.

import { byId, element } from "/static/element.js";
import { span } from "./say.js";

export function showMarks(marks, nameOf) {
  const list = byId("marks");
  const editor = byId("edges");
  const [onset, offset] = [byId("onset"), byId("offset")];

  list.addEventListener("click", ({ target }) => {
    const row = target.closest("[data-mark]");
    if (row) marks.select(Number(row.dataset.mark));
  });
  takeNumber(
    onset,
    (onset_s) => marks.move(marks.selected, { onset_s }),
    () => marks.current?.onset_s,
  );
  takeNumber(
    offset,
    (offset_s) => marks.move(marks.selected, { offset_s }),
    () => marks.current?.offset_s,
  );

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
      if (input !== document.activeElement) input.value = marks.current?.[edge].toFixed(2) ?? "";
    }
  }

  function row(mark, number) {
    const names = mark.class_ids.map(nameOf).join(", ");
    const button = element(
      "button",
      { type: "button", "data-mark": mark.id, "aria-pressed": mark.id === marks.selected },
      element("span", { className: "number" }, `${number}`),
      element("span", { className: "span" }, span(mark)),
      element("span", { className: names ? "names" : "names missing" }, names || "no class yet"),
    );
    return element("li", {}, button);
  }

  marks.addEventListener("change", draw);
  return draw;
}

// Enter takes the number, Escape leaves it; both give the keys back to the page.
function takeNumber(input, take, current) {
  input.addEventListener("change", () => {
    if (Number.isFinite(input.valueAsNumber)) take(input.valueAsNumber);
  });
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") input.value = current()?.toFixed(2) ?? "";
    if (key === "Enter" || key === "Escape") input.blur();
  });
  input.addEventListener("blur", () => (input.value = current()?.toFixed(2) ?? ""));
}
