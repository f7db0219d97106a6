// The labeling page, put together: what it is made of, and who hears whom.

import { answered } from "/static/again.js";
import { me } from "/static/nav.js";
import { makeActions } from "./actions.js";
import { Classes } from "./classes.js";
import { ClassPicker } from "./class-picker.js";
import { Desk } from "./desk.js";
import { Drafts } from "./drafts.js";
import { byId, element } from "/static/element.js";
import { wayBack } from "./last.js";
import { listenToHand } from "./hand.js";
import { keyHelp } from "./help.js";
import { listenToKeys } from "./keys.js";
import { Look, showLook } from "./look.js";
import { Marks } from "./marks.js";
import { showMarks } from "./marks-view.js";
import { Outbox } from "./outbox.js";
import { Overlay } from "./overlay.js";
import { Picture } from "./picture.js";
import { Palette } from "./palette.js";
import { Player } from "./player.js";
import { Queue } from "./queue.js";
import { notify, say, unsay } from "./say.js";
import { Suggestions } from "./suggestions.js";
import { oneTabAtATime } from "./tabs.js";
import { showTransport } from "./transport.js";
import { View } from "./view.js";
import { listenToWheel, showView } from "./zooming.js";

const SLOW_S = 2;

open().catch((error) => {
  if (error.status === 401) return location.replace("/sign-in");
  const again = element("button", { type: "button" }, "Try again");
  again.addEventListener("click", () => location.reload());
  notify("start", `The page could not begin: ${error.message}`, again);
  if (!error.status) throw error;
});

async function open() {
  const person = await awaited(me);
  const { labeler_id } = person;
  const classes = new Classes(labeler_id);
  await awaited(answered(() => classes.load()));

  const marks = new Marks();
  const outbox = new Outbox(labeler_id, classes);
  const suggestions = new Suggestions(classes, marks, (class_id) => actions.choose(class_id));
  const [view, look] = [new View(), new Look(labeler_id)];
  const player = new Player(new Picture(byId("wave"), byId("axis"), byId("frequencies"), view, look), view);
  const desk = new Desk({
    person,
    player,
    marks,
    classes,
    suggestions,
    outbox,
    queue: new Queue(outbox),
    drafts: new Drafts(labeler_id),
  });
  const nameOf = (class_id) => classes.name(class_id);
  const back = wayBack(byId("last"), desk, nameOf);
  const actions = meant(makeActions({ player, view, marks, classes, suggestions, desk, back }), desk);
  const picker = new ClassPicker(classes, marks, actions.choose, actions.addClass);
  listenToHand(byId("wave"), { player, view, marks, overlay: new Overlay(player, view, marks, nameOf) });
  listenToWheel(byId("wave"), view);
  showView(view);
  showLook(look);
  showMarks(marks, nameOf);
  showTransport(player);
  picker.draw();
  const palette = new Palette(byId("palette"), classes, actions.choose);

  const looks = { find: () => picker.focus(), palette: () => palette.open() };
  const all = { ...actions, ...meant(looks, desk), help: keyHelp(byId("keys")) };
  listenToKeys(all);
  listenToButtons(all);
  const goOnHere = oneTabAtATime(labeler_id, () => {
    desk.leave();
    byId("elsewhere").hidden = false;
  });
  byId("go-on-here").addEventListener("click", goOnHere);
  await desk.sync();
}

// What the server gives; said where it takes long.
async function awaited(promise) {
  const words = "Waiting for the server. This page begins by itself when it answers.";
  const slow = setTimeout(() => notify("start", words), SLOW_S * 1000);
  try {
    return await promise;
  } finally {
    clearTimeout(slow);
    unsay("start");
  }
}

// The actions, each only where it means something: keys act on what is shown.
function meant(actions, desk) {
  const only = (name, act) => (...given) => {
    const hindrance = desk.hindrance(name);
    return hindrance === null ? act(...given) : say(hindrance);
  };
  return Object.fromEntries(Object.entries(actions).map(([name, act]) => [name, only(name, act)]));
}

function listenToButtons(actions) {
  document.addEventListener("click", ({ target, detail }) => {
    const button = target.closest("button");
    const action = button?.dataset.action;
    // A double click is no second word, where one is asked for, and does not submit two audios.
    if (action && !(action === "submit" && detail > 1)) actions[action](button.dataset.key);
    // After a click of the mouse the keys are the page's again, not the button's, nor that of one drawn in its place.
    if (button && detail > 0) document.activeElement.closest("#work button")?.blur();
  });
}
