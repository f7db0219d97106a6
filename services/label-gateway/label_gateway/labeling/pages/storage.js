// What outlives the page: JSON under a name in this browser's local storage.
// A browser may forbid or fill it up; the page then works on without.

/** The value under `name`, or `otherwise` where there is none. */
export function recall(name, otherwise = null) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keeps `value` under `name`; false where the browser does not let us. */
export function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Forgets what is under `name`. */
export function forget(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // nothing could be kept there either
  }
}

/** The names that begin with `prefix`, in order. */
export function names(prefix) {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(prefix))
      .sort();
  } catch {
    return [];
  }
}
