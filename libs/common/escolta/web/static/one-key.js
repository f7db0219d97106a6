// Keys that no page takes for its own: those that compose a character, and an Enter that is held.

// Before all others, so that no listener has to know.
document.addEventListener("keydown", keepFromAll, { capture: true });

function keepFromAll(event) {
  const { isComposing, key, keyCode, repeat } = event;
  const isHeld = repeat && key === "Enter"; // a button, or a form, would act again and again
  const isComposed = isComposing || (key === "Enter" && keyCode === 229); // so Safari tells the Enter that ends it
  if (isHeld) event.preventDefault();
  if (isHeld || isComposed) event.stopImmediatePropagation();
}
