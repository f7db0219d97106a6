// Every key of the page in one table: what it is, what it says in the help, which action it calls.

/** By part of the work; `keys` as `KeyboardEvent.key`, a letter in lower case, with Shift+ or Ctrl+ before it. */
export const KEYS = {
  Listen: [
    { show: ["Space"], keys: [" "], says: "play or pause", action: "playOrPause" },
    { show: ["P"], keys: ["p"], says: "play the selected mark once", action: "playMark" },
    { show: ["L"], keys: ["l"], says: "loop the mark, or the whole audio", action: "loop" },
    { show: ["-", "+"], keys: ["-", "+", "="], says: "slower, faster", action: "changeSpeed" },
    { show: [",", "."], keys: [",", "."], says: "back, on by half a second", action: "seek", repeats: true },
    { show: ["Home"], keys: ["Home"], says: "to the beginning", action: "toBeginning" },
  ],
  Mark: [
    { show: ["[", "I"], keys: ["[", "i"], says: "begin a mark at the cursor", action: "begin" },
    { show: ["]", "O"], keys: ["]", "o"], says: "end the mark at the cursor", action: "end" },
    { show: ["W"], keys: ["w"], says: "mark the whole audio", action: "whole" },
    {
      show: ["K", "J"],
      keys: ["k", "j", "ArrowUp", "ArrowDown"],
      says: "select the mark before, after",
      action: "select",
    },
    {
      show: ["←", "→"],
      keys: ["ArrowLeft", "ArrowRight"],
      says: "move its onset; without a mark, the cursor",
      action: "nudgeOnset",
      repeats: true,
    },
    {
      show: ["Shift ←", "→"],
      keys: ["Shift+ArrowLeft", "Shift+ArrowRight"],
      says: "move its offset",
      action: "nudgeOffset",
      repeats: true,
    },
    { show: ["Shift I"], keys: ["{", "Shift+i"], says: "its onset to the cursor", action: "onsetHere" },
    { show: ["Shift O"], keys: ["}", "Shift+o"], says: "its offset to the cursor", action: "offsetHere" },
    { show: ["Delete"], keys: ["Delete", "Backspace"], says: "delete it", action: "remove" },
    { show: ["Esc"], keys: ["Escape"], says: "select none", action: "selectNone" },
    { show: ["Ctrl Z"], keys: ["Ctrl+z"], says: "undo", action: "undo" },
    { show: ["Ctrl Shift Z"], keys: ["Ctrl+Shift+z", "Ctrl+y"], says: "redo", action: "redo" },
  ],
  Class: [
    {
      show: ["1", "…", "9"],
      keys: [..."123456789"],
      says: "a class of the mark, on and off; with nothing marked, of the whole audio",
      action: "keyedClass",
    },
    { show: ["D"], keys: ["d"], says: "the same with Doubt", action: "doubt" },
    { show: ["/"], keys: ["/"], says: "find a class, or add one", action: "find" },
  ],
  "Go on": [
    {
      show: ["Enter"],
      keys: ["Enter"],
      says: "submit and hear the next; twice if nothing is marked",
      action: "submit",
    },
    { show: ["?"], keys: ["?"], says: "show these keys", action: "help" },
  ],
};

const byKey = new Map(
  Object.values(KEYS)
    .flat()
    .flatMap((entry) => entry.keys.map((key) => [key, entry])),
);

/** Calls `actions[name](key)` as keys are pressed, but not while somebody types or a dialog is open. */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    const entry = byKey.get(nameOf(event));
    if (!entry || (event.repeat && !entry.repeats) || isElsewhere(event)) return;
    event.preventDefault();
    actions[entry.action](event.key);
  });
}

// A sign made with Shift, such as "?", is its own name on every keyboard; a letter or an arrow is not.
function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isSign = key.length === 1 && key.toUpperCase() === key;
  const ctrl = (event.ctrlKey || event.metaKey) && !event.getModifierState("AltGraph");
  if (event.altKey && !event.getModifierState("AltGraph")) return "";
  return `${ctrl ? "Ctrl+" : ""}${event.shiftKey && !isSign ? "Shift+" : ""}${key}`;
}

function isElsewhere({ key, target }) {
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("input, select, textarea")) return true;
  // Enter and Space on a button or a link that somebody went to by Tab are that button's.
  return (key === "Enter" || key === " ") && target.closest("button, a, summary") !== null;
}
