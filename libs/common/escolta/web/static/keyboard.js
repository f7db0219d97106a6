// What a pressed key is called, whatever alphabet the keyboard is set to.

// Keys of signs, by `KeyboardEvent.code`: alone and with Shift, as on a US keyboard.
const SIGNS = {
  BracketLeft: ["[", "{"],
  BracketRight: ["]", "}"],
  Comma: [",", "<"],
  Period: [".", ">"],
  Slash: ["/", "?"],
  Minus: ["-", "_"],
  Equal: ["=", "+"],
};

/**
 * The names of a key that was pressed, the likeliest first; take the first that means something.
 *
 * A name is a `KeyboardEvent.key`, a letter in lower case, with `Ctrl+`, `Alt+` and `Shift+` before it; a sign that is made
 * with Shift, such as "?", is its own name. A key that gives no Latin letter and no sign that is meant goes by its
 * place: in Russian the key W gives "ц", and is "w" all the same. So do digits, for which AZERTY wants Shift.
 */
export function namesOf(event) {
  const isAltGr = event.getModifierState("AltGraph");
  const ctrl = (event.ctrlKey || event.metaKey) && !isAltGr ? "Ctrl+" : "";
  const alt = event.altKey && !isAltGr ? "Alt+" : "";
  const names = isAltGr ? [printed(event)] : [digit(event), printed(event), placed(event)];
  return names.filter(Boolean).map((name) => ctrl + alt + name);
}

/** The key of a name without what was held with it. */
export const bare = (name) => name.replace(/^(Ctrl\+)?(Alt\+)?(Shift\+)?(?=.)/, "");

// What a key gives that begins an accent, or goes to an input method: no character of its own.
const SIGNLESS = ["Dead", "Process", "Unidentified"];

const isOneSign = (key) => [...key].length === 1;

function digit({ key, code, shiftKey }) {
  return (isOneSign(key) || SIGNLESS.includes(key)) && !shiftKey ? /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1] : undefined;
}

function printed({ key, shiftKey }) {
  const name = isOneSign(key) ? key.toLowerCase() : key;
  const isSign = isOneSign(name) && name.toUpperCase() === name;
  return shiftKey && !isSign ? `Shift+${name}` : name;
}

// By the place of the key. A letter that is Latin is what it says, wherever it lies.
function placed({ key, code, shiftKey }) {
  if (/^[a-z0-9]$/i.test(key)) return undefined;
  const letter = /^Key([A-Z])$/.exec(code)?.[1].toLowerCase();
  return letter ? `${shiftKey ? "Shift+" : ""}${letter}` : SIGNS[code]?.[Number(shiftKey)];
}
