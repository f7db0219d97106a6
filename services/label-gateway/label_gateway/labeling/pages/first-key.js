// Browsers play nothing until the person has touched the page: the first touch is for that, and for nothing else.

const MODIFIERS = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"];

/**
 * Calls `start` at the next key or touch, and at the one after it if the browser still forbids it. That key does
 * nothing else, but Tab and what is held with Ctrl, which are the browser's. Returns what ends the waiting.
 */
export function atFirstTouch(start) {
  let armed = null;
  let isOver = false;

  function arm() {
    if (isOver) return;
    armed = new AbortController();
    const { signal } = armed;
    document.addEventListener("keydown", take, { capture: true, signal });
    document.addEventListener("pointerup", begin, { capture: true, signal });
  }

  function take(event) {
    if (event.key === "Tab" || event.ctrlKey || event.metaKey || MODIFIERS.includes(event.key)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    begin();
  }

  function begin() {
    armed.abort();
    start().catch(arm);
  }

  arm();
  return () => {
    isOver = true;
    armed.abort();
  };
}
