// The labeling page, put together: what it is made of, and who hears whom.

import { me } from "/static/nav.js";
import { makeActions } from "./actions.js";
import { Classes } from "./classes.js";
import { ClassPicker } from "./class-picker.js";
import { Desk } from "./desk.js";
import { Drafts } from "./drafts.js";
import { byId, element } from "/static/element.js";
import { listenToHand } from "./hand.js";
import { keyHelp } from "./help.js";
import { listenToKeys } from "./keys.js";
import { Marks } from "./marks.js";
import { showMarks } from "./marks-view.js";
import { Outbox } from "./outbox.js";
import { Overlay } from "./overlay.js";
import { Picture } from "./picture.js";
import { Player } from "./player.js";
import { Queue } from "./queue.js";
import { notify } from "./say.js";
import { showTransport } from "./transport.js";

open().catch((error) => {
  const again = element("button", { type: "button" }, "Try again");
  again.addEventListener("click", () => location.reload());
  if (error.status === 401) return location.replace("/sign-in");
  notify("start", "The page could not begin: the server cannot be reached or answers with an error.", again);
  throw error;
});

async function open() {
  const person = await me;
  const { labeler_id } = person;
  const classes = new Classes(labeler_id);
  const marks = new Marks();
  const outbox = new Outbox(labeler_id);
  await classes.load();

  const player = new Player(new Picture(byId("wave"), byId("axis"), byId("frequencies")));
  const desk = new Desk({
    person,
    player,
    marks,
    outbox,
    queue: new Queue(outbox),
    drafts: new Drafts(labeler_id),
  });
  const actions = makeActions({ player, marks, classes, desk });
  const nameOf = (class_id) => classes.name(class_id);
  const picker = new ClassPicker(classes, marks, actions.choose, actions.addClass);
  listenToHand(byId("wave"), { player, marks, overlay: new Overlay(player, marks, nameOf) });
  showMarks(marks, nameOf);
  showTransport(player);
  picker.draw();

  const all = { ...actions, find: () => picker.focus(), help: keyHelp(byId("keys")) };
  listenToKeys(all);
  listenToButtons(all);
  await desk.sync();
}

function listenToButtons(actions) {
  document.addEventListener("click", ({ target, detail }) => {
    const button = target.closest("button");
    if (button?.dataset.action) actions[button.dataset.action]();
    // After a click of the mouse the keys are the page's again, not the button's.
    if (button && detail > 0) button.blur();
  });
}
