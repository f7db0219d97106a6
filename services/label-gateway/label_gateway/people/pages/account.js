// What a person has for their own use: links for other devices, tokens for programs, and the end of both.

import { call, json, orSignIn } from "/static/api.js";
import { byId, element } from "/static/element.js";

byId("make-link").addEventListener("click", () =>
  doing(byId("make-link"), async () => offer("link", (await json("POST", "/api/me/link")).url)),
);
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("token-name").value.trim();
  doing(byId("make-token"), async () => {
    offer("token", (await json("POST", "/api/me/token", name ? { name } : {})).token);
    byId("token-name").value = "";
    await list();
  });
});
byId("everywhere").addEventListener("click", askWhether);
doing(byId("everywhere"), list);

function offer(what, value) {
  const text = byId(`${what}-text`);
  text.value = value;
  byId(what).hidden = false;
  text.focus();
  text.select();
}

async function list() {
  const sessions = await json("GET", "/api/me/sessions");
  byId("sessions").replaceChildren(...sessions.map(line));
}

function line({ session_id, kind, name, made_at, ends_at, current }) {
  const what = kind === "token" ? `Token: ${name}` : name;
  const end = element("button", { type: "button", className: "small" }, kind === "token" ? "End" : "Sign out");
  end.setAttribute("aria-label", `${end.textContent} ${what}`);
  end.addEventListener("click", () =>
    doing(end, async () => {
      const place = [...byId("sessions").children].indexOf(end.closest("li"));
      await call("DELETE", `/api/me/sessions/${session_id}`).catch(unlessGone);
      await list();
      const left = byId("sessions").querySelectorAll("button");
      (left[Math.min(place, left.length - 1)] ?? byId("everywhere")).focus();
    }),
  );
  const since = element("span", { className: "quiet" }, `${day(made_at)} to ${day(ends_at)}`);
  const known = element("span", { className: "grow" }, element("b", {}, what), " ", since);
  return element("li", { className: "row" }, known, current ? "This one" : end);
}

const day = (at) => new Date(at).toLocaleDateString();

function unlessGone(error) {
  if (error.status !== 404) throw error; // it has ended already: that was wanted
}

function askWhether() {
  const row = byId("everywhere").parentElement;
  const go = element("button", { type: "button", className: "primary" }, "Sign out everywhere");
  const stay = element("button", { type: "button" }, "Stay signed in");
  const asked = byId("everywhere");
  row.replaceChildren("This device too, and every token.", go, stay);
  stay.addEventListener("click", () => {
    row.replaceChildren(asked);
    asked.focus();
  });
  go.addEventListener("click", () =>
    doing(go, async () => {
      await call("DELETE", "/api/me/sessions");
      location.assign("/sign-in");
    }),
  );
  stay.focus();
}

async function doing(button, act) {
  const notice = byId("notice");
  button.disabled = true;
  try {
    await act().catch(orSignIn);
    notice.hidden = true;
  } catch (error) {
    notice.className = "notice bad";
    notice.textContent = error.message;
    notice.hidden = false;
  } finally {
    button.disabled = false;
  }
}
