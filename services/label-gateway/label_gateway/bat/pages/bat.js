// What stands in BAT, what has come from there, and what a lead has to do; asked for again and again.

import { json, orSignIn } from "/static/api.js";
import { byId, element } from "/static/element.js";
import { showPeople } from "./people.js";
import { project } from "./project.js";

const EVERY_MS = 15_000;

load();
showPeople().catch(say);
setInterval(load, EVERY_MS);

async function load() {
  try {
    show(await json("GET", "/api/bat").catch(orSignIn));
  } catch (error) {
    say(error);
  }
}

function show({ address, projects }) {
  if (address === null) {
    const set = element("code", {}, "ESCOLTA_BAT_URL");
    byId("state").replaceChildren("No BAT is set: ", set, " says where it is, and everybody labels on the page.");
  } else {
    const open = projects.filter((it) => !it.closed).length;
    byId("state").textContent = `${address}: ${open} open ${open === 1 ? "project" : "projects"}.`;
  }
  byId("projects").replaceChildren(...projects.map(project));
}

function say(error) {
  byId("state").textContent = error.message;
}
