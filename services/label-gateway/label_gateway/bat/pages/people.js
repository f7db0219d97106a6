// Who labels in BAT, and as whom: one row a person. Names come from people: they enter the page as text.

import { json, orSignIn } from "/static/api.js";
import { byId, element, named } from "/static/element.js";

const LONGEST = 50; // characters that BAT takes

/** Shows everybody who labels. */
export async function showPeople() {
  const people = await json("GET", "/api/labelers").catch(orSignIn);
  byId("people").replaceChildren(...people.filter((it) => it.enabled && (it.group || it.bat_user)).map(line));
  byId("people-card").hidden = false;
}

function line(person) {
  const row = (head, content) => element("td", { "data-head": head }, content);
  const group = person.group ? named(person.group) : "none";
  return element("tr", {}, row("Who", named(person.name)), row("Group", group), row("User in BAT", setting(person)));
}

function setting({ labeler_id, name, bat_user }) {
  const user = element("input", { maxLength: LONGEST, value: bat_user ?? "", placeholder: "on the page" });
  user.autocomplete = "off";
  user.spellcheck = false;
  user.setAttribute("aria-label", `User of ${name} in BAT`);
  const save = element("button", { type: "submit", disabled: true }, "Save");
  save.setAttribute("aria-label", `Save where ${name} labels`);
  const outcome = element("span", { className: "quiet", role: "status" });
  const form = element("form", { className: "row" }, user, save, outcome);
  let saved = user.value;
  user.addEventListener("input", () => {
    save.disabled = user.value.trim() === saved;
    outcome.textContent = "";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = user.value.trim();
    if (wanted === saved) return;
    user.focus(); // where one is by keyboard, a button that is disabled would lose it
    save.disabled = true;
    try {
      await json("PUT", `/api/labelers/${labeler_id}/bat-user`, { bat_user: wanted || null }).catch(orSignIn);
      saved = wanted;
      outcome.textContent = wanted ? "Labels in BAT." : "Labels on the page.";
    } catch (error) {
      outcome.textContent = error.message;
    }
    save.disabled = user.value.trim() === saved;
  });
  return form;
}
