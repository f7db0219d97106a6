// What the page says of the audio on the desk, of what comes next, and of what stands in the way.

import { byId, element, named } from "/static/element.js";
import { notify, say, unsay } from "./say.js";

/** The audio that is on the desk; null: there is none. */
export function drawTask(task) {
  byId("work").hidden = !task;
  byId("rest").hidden = Boolean(task);
  if (!task) return say("");
  byId("place").textContent = `Audio ${task.place} of ${task.of}`;
  const heard = task.channels_heard ? ` · ${task.channels_heard}` : "";
  const sound = `${lasting(task.duration_s)} · ${task.rate_hz / 1000} kHz${heard}`;
  byId("facts").replaceChildren(named(task.file_name), ` · ${sound}`);
  byId("progress").max = task.of;
  byId("progress").value = task.place - 1;
}

/** How loud the audio on the desk is: the spectrogram of a quiet one is pale. */
export function drawLevel({ peak, rms }) {
  const level = (amplitude) => (20 * Math.log10(amplitude)).toFixed(1).replace("-", "−");
  const said = peak ? `peak ${level(peak)}, mean ${level(rms)} dBFS` : "digital silence";
  byId("facts").append(` · ${said}`);
}

const lasting = (duration_s) => (duration_s < 0.1 ? `${(duration_s * 1000).toPrecision(2)} ms` : `${duration_s.toFixed(1)} s`);

/** The page without an audio: whether that is the end, or the server has still to say. */
export function drawRest({ person, unsent, aside, isKnown, fault }) {
  const { group, done } = person;
  const sent = done === 1 ? "You have labeled one audio so far." : `You have labeled ${done} audios so far.`;
  let [title, fact] = ["Nothing left to label", group ? sent : "You are in no group yet: your lead puts you into one."];
  if (aside) [title, fact] = ["Nothing left but what was put aside", `Put aside: ${aside}.`];
  if (!isKnown || unsent) [title, fact] = ["Asking for the next audio", "The server has not answered yet."];
  if (fault) title = "Waiting for the server";
  if (unsent) fact = `Not sent yet: ${unsent}. It is kept in this browser and sent as soon as the server answers.`;
  byId("rest-title").textContent = title;
  byId("rest-facts").textContent = fact;
  byId("rest-hint").hidden = Boolean(fault);
}

/** How much is unsent, while an audio is on the desk; nothing is said of what is just on its way. */
export function drawUnsent(unsent, fault) {
  byId("unsent").textContent = unsent && fault ? `${unsent} not sent yet, trying again` : "";
}

/** What stands in the way: nobody is signed in any more, or the server is away; null: nothing. */
export function tellFault(error) {
  const isOut = error?.status === 401;
  if (!isOut) unsay("session");
  if (!error || isOut) unsay("server");
  if (isOut) {
    const link = element("a", { href: "/sign-in" }, "Sign in");
    notify("session", "You are signed out. Your work is kept in this browser.", link);
  } else if (error) notify("server", `${error.message} Your work is kept in this browser and sent later.`);
}

/** A browser that keeps nothing, or no more. */
export function tellUnkept() {
  const why = "This browser keeps nothing for this page: it is full, or it forbids that.";
  notify("unkept", `${why} Leave the page open until nothing is unsent.`, button("Close", () => unsay("unkept")));
}

/** An audio that cannot be heard; `retry` is called when the person wants to try. */
export function tellSilence(error, retry) {
  const hope = error.isPassing ? "It is tried again by itself." : "Give it Doubt (D) and go on.";
  notify("audio", `This audio cannot be played: ${error.message} ${hope}`, button("Try again", retry));
}

/** An audio whose labels the server refused; `again` is called when the person wants to label it again. */
export function tellRefusal(name, { task, reason }, again) {
  const close = button("Close", () => unsay(name));
  const once_more = button("Label it again", () => {
    unsay(name);
    again();
  });
  notify(
    name,
    ["“", named(task.file_name), `” was not taken and is put aside: ${reason} Its marks are kept in this browser.`],
    once_more,
    close,
  );
}

function button(text, act) {
  const made = element("button", { type: "button" }, text);
  made.addEventListener("click", act);
  return made;
}
