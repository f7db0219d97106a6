// Fills the bar of every page: where one can go, who is signed in, and the way out.

import { answered } from "./again.js";
import { call, json, orSignIn } from "./api.js";
import "./one-key.js";

const LINKS = [
  { href: "/label", text: "Label" },
  { href: "/batches", text: "Batches", forLeads: true },
  { href: "/iterations", text: "Iterations", forLeads: true },
  { href: "/nodes", text: "Nodes", forLeads: true },
  { href: "/quarantine", text: "Quarantine", forLeads: true },
  { href: "/audit", text: "Audit", forLeads: true },
  { href: "/bat", text: "BAT", forLeads: true, whereThereIs: "bat" },
];

/** Who is signed in, as GET /api/me says once it answers; rejects with an `ApiError` of status 401 where nobody is. */
export const me = answered(() => json("GET", "/api/me"));

me.then(fill, () => {});

function fill(person) {
  const nav = document.getElementById("nav");
  const shown = LINKS.filter((it) => !it.whereThereIs || person[it.whereThereIs]);
  nav.append(...shown.filter((it) => !it.forLeads || person.role === "lead").map(link));
  const who = link({ href: "/account", text: "" });
  who.className = "who";
  who.textContent = person.group ? `${person.name} · ${person.group}` : person.name;
  nav.append(who, signOutButton());
}

function link({ href, text }) {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.textContent = text;
  if (`${location.pathname}/`.startsWith(`${href}/`)) anchor.setAttribute("aria-current", "page");
  return anchor;
}

function signOutButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = "Sign out";
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call("DELETE", "/api/session").catch(orSignIn);
      location.assign("/sign-in");
    } catch {
      button.disabled = false;
      button.textContent = "Sign out failed: try again";
    }
  });
  return button;
}
