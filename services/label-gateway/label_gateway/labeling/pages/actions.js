// What the keys and the buttons do: `actions[name](key)`, the names being those of keys.js.

import { SPEEDS } from "./player.js";
import { say, seconds, span } from "./say.js";

const NUDGE_S = 0.05;
const SEEK_S = 0.5;
const SELECT_FIRST = "Select a mark first: J or K, or click it.";

export function makeActions({ player, marks, classes, desk }) {
  let begun = null; // the id of a mark that has begun and waits for its end

  const title = (mark) => `Mark ${marks.number(mark.id)}`;
  const withMark = (act) => (key) => (marks.current ? act(marks.current, key) : say(SELECT_FIRST));
  const play = (from_s, to_s) =>
    player.play(from_s, to_s).catch(() => say("The browser cannot play this audio."));

  function move(mark, edges) {
    marks.move(mark.id, edges);
    say(`${title(mark)}: ${span(marks.current)}.`);
  }

  function choose(class_id) {
    const name = classes.name(class_id);
    if (marks.list.length && !marks.current) return say(SELECT_FIRST);
    if (!marks.list.length) {
      marks.addWhole([class_id]);
      say(`The whole audio: ${name}.`);
    } else if (marks.toggleClass(marks.selected, class_id)) {
      say(`${title(marks.current)}: ${marks.current.class_ids.map((id) => classes.name(id)).join(", ")}.`);
    } else return say(`${title(marks.current)}: no longer ${name}.`);
    classes.use(class_id);
  }

  async function addClass(name) {
    try {
      const added = await classes.add(name);
      choose(added.class_id);
    } catch (error) {
      say(`The class “${name}” was not added: ${error.message}`);
    }
  }

  const actions = {
    playOrPause: () => (player.isPlaying ? player.pause() : play()),
    playMark: withMark((mark) => play(mark.onset_s, mark.offset_s)),
    toBeginning: () => (player.cursor_s = 0),
    seek: (key) => (player.cursor_s += key === "," ? -SEEK_S : SEEK_S),
    loop() {
      player.setLooping(!player.looping);
      say(
        player.looping
          ? `Looping ${marks.current ? title(marks.current).toLowerCase() : "the audio"}.`
          : "Loop off.",
      );
      if (player.looping) play(marks.current?.onset_s);
    },
    changeSpeed(key) {
      const place = SPEEDS.indexOf(player.speed) + (key === "-" ? -1 : 1);
      player.speed = SPEEDS[Math.min(Math.max(place, 0), SPEEDS.length - 1)];
      say(`Speed ${player.speed}×.`);
    },

    begin() {
      const onset_s = player.cursor_s;
      if (marks.current && marks.selected === begun) return move(marks.current, { onset_s });
      begun = marks.add(onset_s, desk.duration_s).id;
      say(`${title(marks.current)} begins at ${seconds(onset_s)}: press ] or O where it ends.`);
    },
    end() {
      const waiting = marks.list.find((mark) => mark.id === begun);
      begun = null;
      if (waiting) marks.select(waiting.id);
      if (!marks.current) marks.add(0, player.cursor_s);
      move(marks.current, { offset_s: player.cursor_s });
    },
    whole() {
      const whole = marks.list.find((mark) => mark.onset_s === 0 && mark.offset_s === desk.duration_s);
      if (whole) marks.select(whole.id);
      else marks.addWhole();
      say(`${title(marks.current)}: the whole audio.`);
    },
    select(key) {
      marks.selectBy(key === "k" || key === "ArrowUp" ? -1 : 1);
      if (!marks.current) return say("Nothing is marked.");
      player.cursor_s = marks.current.onset_s;
      const names = marks.current.class_ids.map((id) => classes.name(id)).join(", ");
      say(`${title(marks.current)}, ${span(marks.current)}: ${names || "no class yet"}.`);
    },
    selectNone() {
      marks.select(null);
      say("No mark is selected.");
    },
    nudgeOnset(key) {
      const step_s = key === "ArrowLeft" ? -NUDGE_S : NUDGE_S;
      if (marks.current) move(marks.current, { onset_s: marks.current.onset_s + step_s });
      else player.cursor_s += step_s;
    },
    nudgeOffset: withMark((mark, key) =>
      move(mark, { offset_s: mark.offset_s + (key === "ArrowLeft" ? -NUDGE_S : NUDGE_S) }),
    ),
    onsetHere: withMark((mark) => move(mark, { onset_s: player.cursor_s })),
    offsetHere: withMark((mark) => move(mark, { offset_s: player.cursor_s })),
    remove: withMark((mark) => {
      const gone = title(mark);
      marks.remove(mark.id);
      say(`${gone} is deleted; Ctrl Z brings it back.`);
    }),
    undo: () => say(marks.undo() ? "Undone." : "There is nothing to undo."),
    redo: () => say(marks.redo() ? "Done again." : "There is nothing to redo."),

    choose,
    addClass,
    keyedClass(key) {
      const keyed = classes.keyed[Number(key) - 1];
      if (keyed) choose(keyed.class_id);
      else say(`No class is behind ${key}: press / to add one.`);
    },
    doubt: () => choose(classes.doubt.class_id),
    submit: () => desk.submit(),
  };
  return actions;
}
