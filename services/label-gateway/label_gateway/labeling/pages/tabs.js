// One tab at a time does a person's work in a browser: of two, the one that wrote last would win without a word.

/**
 * Calls `leave` when the work is done in another tab: one that was there before, or where the person chose to go on.
 * Gives what `goOnHere` does here. A tab that left begins anew when the other is closed.
 */
export function oneTabAtATime(labeler_id, leave) {
  const others = new BroadcastChannel(`escolta.labeling.${labeler_id}`);
  const me = { since: performance.timeOrigin, id: Math.random() };
  let isWorking = true;

  const isBefore = (it) => it.since < me.since || (it.since === me.since && it.id < me.id);
  const tell = (what) => others.postMessage({ what, ...me });

  others.onmessage = ({ data }) => {
    if (data.what === "closed" && !isWorking) location.reload();
    if (!isWorking) return;
    if (data.what === "opened") tell("working");
    if (data.what === "taken" || (data.what === "working" && isBefore(data))) {
      isWorking = false;
      leave();
    }
  };
  window.addEventListener("pagehide", () => isWorking && tell("closed"));
  window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  tell("opened");

  return function goOnHere() {
    tell("taken");
    location.reload();
  };
}
