// Every key of the page in one table: what it is, what it says in the help, which action it calls.

import { bare, namesOf } from "/static/keyboard.js";

const stepped = (...arrows) => ["", "Ctrl+", "Alt+"].flatMap((held) => arrows.map((arrow) => held + arrow));

/** By part of the work; `keys` as keyboard.js names them. What has none is done with a hand. */
export const KEYS = {
  Listen: [
    { show: ["Space"], keys: [" "], says: "play or pause", action: "playOrPause" },
    { show: ["P"], keys: ["p"], says: "play the selected mark once", action: "playMark" },
    { show: ["L"], keys: ["l"], says: "loop the mark, or the whole audio", action: "loop" },
    { show: ["-", "+"], keys: ["-", "+", "=", "<", ">"], says: "slower, faster", action: "changeSpeed" },
    { show: [",", "."], keys: [",", "."], says: "back, on by half a second", action: "seek", repeats: true },
    { show: ["Home"], keys: ["Home"], says: "to the beginning", action: "toBeginning" },
  ],
  Look: [
    { show: ["Z", "X"], keys: ["z", "x"], says: "zoom in, out; so does the wheel", action: "zoom", repeats: true },
    { show: ["V"], keys: ["v"], says: "fit the mark into view; again: the whole audio", action: "fit" },
    {
      show: ["PgUp", "PgDn"],
      keys: ["PageUp", "PageDown"],
      says: "scroll; so does the wheel with Shift",
      action: "scroll",
      repeats: true,
    },
  ],
  Class: [
    {
      show: ["1", "…", "9"],
      keys: [..."123456789"],
      says: "a class of the mark, on and off; with nothing marked, of the whole audio",
      action: "keyedClass",
    },
    {
      show: ["E", "R", "T"],
      keys: ["e", "r", "t"],
      says: "the same with a likely class, where the batch shows them",
      action: "suggestedClass",
    },
    { show: ["D"], keys: ["d"], says: "the same with Doubt", action: "doubt" },
    { show: ["A"], keys: ["a"], says: "the classes of the last mark that got one", action: "sameAsLast" },
    { show: ["/", "F"], keys: ["/", "f"], says: "find a class, or add one", action: "find" },
    { show: ["G"], keys: ["g"], says: "all classes, group by group", action: "palette" },
    { show: ["S"], keys: ["s"], says: "give each new mark this class, until S again", action: "stick" },
  ],
  Mark: [
    { show: ["drag"], keys: [], says: "draw a mark, inside another too" },
    { show: ["drag edge"], keys: [], says: "move that edge; Shift drag moves the mark" },
    { show: ["[", "I"], keys: ["[", "i"], says: "begin a mark at the cursor", action: "begin" },
    {
      show: ["]", "O"],
      keys: ["]", "o"],
      says: "end the mark begun last; I twice begins two, and O twice ends them",
      action: "end",
    },
    { show: ["W"], keys: ["w"], says: "mark the whole audio", action: "whole" },
    {
      show: ["K", "J"],
      keys: ["k", "j", "ArrowUp", "ArrowDown"],
      says: "select the mark before, after",
      action: "select",
    },
    {
      show: ["←", "→"],
      keys: stepped("ArrowLeft", "ArrowRight"),
      says: "move its onset by 10 ms, and hear it; without a mark, the cursor",
      action: "nudgeOnset",
      repeats: true,
    },
    {
      show: ["Shift ←", "→"],
      keys: stepped("Shift+ArrowLeft", "Shift+ArrowRight"),
      says: "move its offset, and hear it",
      action: "nudgeOffset",
      repeats: true,
    },
    { show: ["Ctrl", "Alt"], keys: [], says: "with these arrows: by 1 ms, by 100 ms" },
    { show: ["Shift I"], keys: ["{", "Shift+i"], says: "its onset to the cursor", action: "onsetHere" },
    { show: ["Shift O"], keys: ["}", "Shift+o"], says: "its offset to the cursor", action: "offsetHere" },
    { show: ["Delete"], keys: ["Delete", "Backspace"], says: "delete it", action: "remove" },
    { show: ["Esc"], keys: ["Escape"], says: "select none", action: "selectNone" },
    { show: ["Ctrl Z"], keys: ["Ctrl+z"], says: "undo; then open your last audio again", action: "undo" },
    { show: ["Ctrl Shift Z"], keys: ["Ctrl+Shift+z", "Ctrl+y"], says: "redo", action: "redo" },
  ],
  "Go on": [
    {
      show: ["Enter"],
      keys: ["Enter"],
      says: "submit and hear the next; twice if nothing is marked",
      action: "submit",
    },
    { show: ["H"], keys: ["h"], says: "your last audios", action: "last" },
    { show: ["?"], keys: ["?"], says: "show these keys", action: "help" },
  ],
};

const byName = new Map(
  Object.values(KEYS)
    .flat()
    .flatMap((entry) => entry.keys.map((name) => [name, entry])),
);

/**
 * Calls `actions[name](key, held)` as keys are pressed, but not while somebody types or a dialog is open. Where an action
 * answers false, the key stays the browser's.
 */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    const name = namesOf(event).find((it) => byName.has(it));
    const entry = byName.get(name);
    if (!entry || (event.repeat && !entry.repeats) || isElsewhere(event)) return;
    if (actions[entry.action](bare(name), name) !== false) event.preventDefault();
  });
}

function isElsewhere({ key, target }) {
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("input, select, textarea")) return true;
  // Enter and Space on a button or a link that somebody went to by Tab are that button's.
  return (key === "Enter" || key === " ") && target.closest("button, a, summary") !== null;
}
