// What the keys and the buttons do: `actions[name](key, held)`, the names being those of keys.js; `held` is the key
// with what was held with it.

import { listed, named } from "/static/element.js";
import { SPEEDS } from "./player.js";
import { misfit, say, seconds, span } from "./say.js";

const STEPS_S = { "Ctrl+": 0.001, "Alt+": 0.1 }; // of an arrow with this held
const STEP_S = 0.01;
const SEEK_S = 0.5;
const ZOOM = 2; // times as much, or as little, in view
const PAGE = 0.8; // of the view, by which it goes on
const SELECT_FIRST = "Select a mark first: J or K, or click it.";

export function makeActions({ player, view, marks, classes, suggestions, desk, back }) {
  let begun = []; // the ids of marks that have begun and wait for their end, the last one last

  let last = []; // the classes of the mark that was given one last

  const title = (mark) => `Mark ${marks.number(mark.id)}`;
  const namesOf = (mark) => listed(mark.class_ids.map((id) => classes.name(id)));
  const withMark =
    (act) =>
    (...pressed) =>
      marks.current ? act(marks.current, ...pressed) : say(SELECT_FIRST);
  const play = (from_s, to_s) =>
    player.play(from_s, to_s).catch(() => say("The browser cannot play this audio."));

  function move(mark, edges, run) {
    const moved = marks.move(mark.id, edges, run);
    say(moved ? `${title(mark)}: ${span(marks.current)}.` : misfit(title(mark), mark, edges, marks.duration_s));
    return moved;
  }

  function nudge(mark, edge, way_s) {
    const to_s = Math.min(Math.max(mark[edge] + way_s, 0), marks.duration_s);
    if (!move(mark, { [edge]: to_s }, edge)) return;
    view.reveal(marks.current[edge]);
    player.hearAround(marks.current[edge]);
  }

  function sayView() {
    const shown = view.isWhole ? "the whole audio" : span({ onset_s: view.from_s, offset_s: view.to_s });
    say(`In view: ${shown}.`);
  }

  // Around the cursor, where it is in sight.
  function zoom(times) {
    const part = view.part(player.cursor_s);
    view.zoom(times, 0 <= part && part <= 1 ? player.cursor_s : view.time(0.5));
    sayView();
  }

  function choose(class_id) {
    const name = classes.name(class_id);
    if (marks.list.length && !marks.current) return say(SELECT_FIRST);
    if (!marks.list.length) {
      marks.addWhole([class_id]);
      say("The whole audio: ", named(name), ".");
    } else if (marks.toggleClass(marks.selected, class_id)) {
      say(`${title(marks.current)}: `, ...namesOf(marks.current), ".");
    } else return say(`${title(marks.current)}: no longer `, named(name), ".");
    last = marks.current.class_ids;
    classes.use(class_id);
  }

  const addClass = (name) => choose(classes.add(name).class_id);

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
      const place = SPEEDS.indexOf(player.speed) + ("-<".includes(key) ? -1 : 1);
      player.speed = SPEEDS[Math.min(Math.max(place, 0), SPEEDS.length - 1)];
      say(`Speed ${player.speed}×.`);
    },

    zoom: (key) => zoom(key === "x" ? ZOOM : 1 / ZOOM),
    fit() {
      const before = `${view.from_s} ${view.to_s}`;
      if (marks.current) view.fit(marks.current);
      if (!marks.current || before === `${view.from_s} ${view.to_s}`) view.fitAll();
      sayView();
    },
    scroll(key) {
      if (view.isWhole) return false; // the page scrolls
      view.scroll(key === "PageUp" ? -PAGE : PAGE);
      return sayView();
    },

    begin() {
      const onset_s = player.cursor_s;
      if (onset_s > marks.duration_s - marks.shortest_s) return say("Nothing can begin at the end of the audio.");
      begun.push(marks.add(onset_s, marks.duration_s).id);
      say(`${title(marks.current)} begins at ${seconds(onset_s)}: press ] or O where it ends.`);
    },
    end() {
      begun = begun.filter((id) => marks.number(id)); // deleted, undone, or of an audio before
      const waiting = marks.list.find((mark) => mark.id === begun.at(-1));
      if (!waiting) return say("No mark has begun: press [ or I where it begins. Shift O moves the end of a mark.");
      marks.select(waiting.id);
      if (move(waiting, { offset_s: player.cursor_s })) begun.pop();
    },
    whole() {
      const whole = marks.list.find((mark) => mark.onset_s === 0 && mark.offset_s === marks.duration_s);
      if (whole) marks.select(whole.id);
      else marks.addWhole();
      say(`${title(marks.current)}: the whole audio.`);
    },
    select(key) {
      marks.selectBy(key === "k" || key === "ArrowUp" ? -1 : 1);
      if (!marks.current) return say("Nothing is marked.");
      player.cursor_s = marks.current.onset_s;
      const names = marks.current.class_ids.length ? namesOf(marks.current) : ["no class yet"];
      say(`${title(marks.current)}, ${span(marks.current)}: `, ...names, ".");
    },
    selectNone() {
      marks.select(null);
      say("No mark is selected.");
    },
    nudgeOnset(key, held) {
      if (marks.current) nudge(marks.current, "onset_s", wayOf(key, held));
      else player.cursor_s += wayOf(key, held);
    },
    nudgeOffset: withMark((mark, key, held) => nudge(mark, "offset_s", wayOf(key, held))),
    onsetHere: withMark((mark) => move(mark, { onset_s: player.cursor_s })),
    offsetHere: withMark((mark) => move(mark, { offset_s: player.cursor_s })),
    remove: withMark((mark) => {
      const gone = title(mark);
      marks.remove(mark.id);
      say(`${gone} is deleted; Ctrl Z brings it back.`);
    }),
    undo: () => (marks.undo() ? say("Undone.") : back.undo()),
    redo: () => (marks.redo() ? say("Done again.") : desk.goOn() || say("There is nothing to redo.")),
    last: () => back.last(),

    choose,
    addClass,
    keyedClass(key) {
      const keyed = classes.keyed[Number(key) - 1];
      if (keyed) choose(keyed.class_id);
      else say(`No class is behind ${key}: press / to add one.`);
    },
    stick() {
      const class_id = marks.sticky === null ? (marks.current?.class_ids.at(-1) ?? classes.last) : null;
      if (class_id === undefined) return say("No class was chosen yet: choose one, then S gives it to each new mark.");
      marks.stick(class_id);
      if (class_id === null) say("A new mark has no class of itself any more.");
      else say("Each new mark is ", named(classes.name(class_id)), " from now on. S ends it.");
    },
    suggestedClass(key) {
      const class_id = suggestions.behind(key);
      if (class_id !== undefined) choose(class_id);
    },
    sameAsLast() {
      if (!last.length) return say("Nothing has been given a class yet that this could have too.");
      if (marks.list.length && !marks.current) return say(SELECT_FIRST);
      if (!marks.list.length) marks.addWhole(last);
      else marks.addClasses(marks.selected, last);
      say(`${title(marks.current)}: `, ...namesOf(marks.current), ".");
    },
    doubt: () => choose(classes.doubt.class_id),
    submit: () => desk.submit(),
  };
  return actions;
}

// How far an arrow moves what it moves, in seconds.
function wayOf(key, held) {
  const step_s = Object.entries(STEPS_S).find(([modifier]) => held.startsWith(modifier))?.[1] ?? STEP_S;
  return key === "ArrowLeft" ? -step_s : step_s;
}
