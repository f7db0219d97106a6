// Signs in with the token of a one-time link: from the address, or pasted into the form.

import { json } from "/static/api.js";

const form = document.getElementById("sign-in");
const notice = document.getElementById("notice");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(form.elements.link.value);
});

const token = location.hash.slice(1);
if (token) {
  // Out of the address bar and the history at once, whatever comes of it.
  history.replaceState(null, "", location.pathname);
  form.elements.link.value = token;
  signIn(token);
}

async function signIn(link) {
  const [token] = link.trim().split("#").slice(-1);
  if (!token) return say("Paste your sign-in link first.", "warn");
  say("Signing in…");
  form.elements.go.disabled = true;
  try {
    await json("POST", "/api/session", { token });
    location.replace("/label");
  } catch (error) {
    form.elements.go.disabled = false;
    say(error.message, "bad");
  }
}

function say(text, kind = "") {
  notice.className = `notice ${kind}`;
  notice.textContent = text;
  notice.hidden = false;
}
