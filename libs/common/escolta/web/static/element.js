// Elements of the page, made in one line.

/** An element with these properties; a name with a hyphen, and `role`, is set as an attribute. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** A name that somebody gave: in a direction of its own, whatever stands beside it, and whole in its title. */
export const named = (name) => element("bdi", { title: name }, name);

/** Several of them, with commas between. */
export const listed = (names) => names.flatMap((name, i) => (i ? [", ", named(name)] : [named(name)]));

/** The element of the page with this id. */
export const byId = (id) => document.getElementById(id);
