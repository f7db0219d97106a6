// The way back: the audios that a person said something of last, as a list, and the newest of them by Ctrl Z.

import { byId, element, listed, named } from "/static/element.js";
import { marksOf } from "./drafts.js";
import { notify, say, unsay } from "./say.js";

const SETTLED = "everybody is done with it: what you said stays";

/** `{undo, last}`: opens the newest audio again; shows them all in `dialog`. */
export function wayBack(dialog, desk, nameOf) {
  const list = element("ol", { className: "plain-list" });
  const close = element("button", { type: "button", className: "plain" }, "Close ", element("kbd", {}, "Esc"));
  close.addEventListener("click", () => dialog.close());
  const title = element("h2", { id: "last-title" }, "Your last audios");
  dialog.append(element("header", { className: "row spread" }, title, close), list);

  // What is not said under the waveform where there is none.
  function tell(...words) {
    say(...words);
    if (!byId("work").hidden) return;
    const shut = element("button", { type: "button" }, "Close");
    shut.addEventListener("click", () => unsay("back"));
    notify("back", words, shut);
  }

  async function asked() {
    unsay("back");
    try {
      return await desk.last();
    } catch (error) {
      tell(`${error.message} No audio can be opened again until it is back.`);
      return null;
    }
  }

  async function undo() {
    const audios = await asked();
    if (!audios || dialog.open) return;
    const [newest] = audios;
    if (!newest) tell("There is nothing to undo.");
    else if (newest.settled) tell("The audio before is “", named(newest.task.file_name), `”, and ${SETTLED}.`);
    else desk.reopen(newest);
  }

  async function last() {
    const audios = await asked();
    if (!audios || dialog.open) return;
    list.replaceChildren(...audios.map(row));
    if (!audios.length) list.append(element("li", { className: "quiet" }, "You have said nothing yet in the open batches."));
    dialog.showModal();
  }

  function row(audio) {
    const { task, events, settled } = audio;
    const marks = marksOf(events);
    const names = listed([...new Set(events.map(({ class_id }) => nameOf(class_id)))]);
    const said = marks.length ? [`${marks.length === 1 ? "1 mark" : `${marks.length} marks`}: `, ...names] : ["nothing to label"];
    const button = element("button", { type: "button", className: "small", disabled: settled }, "Open again");
    button.addEventListener("click", () => {
      dialog.close();
      desk.reopen(audio);
    });
    const words = element("span", {}, named(task.file_name), " · ", ...said);
    if (settled) words.append(element("span", { className: "quiet" }, ` · ${SETTLED}`));
    return element("li", { className: "row spread" }, words, button);
  }

  return { undo, last };
}
