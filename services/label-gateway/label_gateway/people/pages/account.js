// What a person makes for their own use: a link for another device, a token for programs.

import { json, orSignIn } from "/static/api.js";

const notice = document.getElementById("notice");

offer("link", async () => (await json("POST", "/api/me/link")).url);
offer("token", async () => (await json("POST", "/api/me/token")).token);

function offer(what, make) {
  const button = document.getElementById(`make-${what}`);
  const text = document.getElementById(`${what}-text`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      text.value = await make().catch(orSignIn);
      document.getElementById(what).hidden = false;
      text.focus();
      text.select();
      notice.hidden = true;
    } catch (error) {
      notice.className = "notice bad";
      notice.textContent = error.message;
      notice.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
