// Every node with its policy on speech, which a lead may change.

import { json, orSignIn } from "/static/api.js";
import { byId, element, named } from "/static/element.js";

const POLICIES = {
  keep: "All may be heard",
  withhold: "Speech is withheld",
  stay: "Nothing leaves the node",
};

show();

async function show() {
  try {
    const nodes = await json("GET", "/api/nodes").catch(orSignIn);
    byId("nodes").replaceChildren(...nodes.map(line));
    byId("state").textContent = nodes.length === 1 ? "1 node." : `${nodes.length} nodes.`;
  } catch (error) {
    byId("state").textContent = error.message;
  }
}

function line({ name, speech_policy, speech_threshold }) {
  const choices = Object.entries(POLICIES).map(([value, text]) => {
    return element("option", { value, selected: value === speech_policy }, text);
  });
  const policy = element("select", { "aria-label": `Policy of ${name}` }, ...choices);
  const threshold = element("input", {
    ...{ type: "number", min: 0.01, max: 1, step: 0.01, "aria-label": `Threshold of ${name}` },
    value: Number(speech_threshold.toPrecision(3)),
  });
  const save = element("button", { type: "button" }, "Save");
  const status = element("span", { role: "status" });
  save.addEventListener("click", async () => {
    status.textContent = "";
    try {
      const body = { speech_policy: policy.value, speech_threshold: threshold.valueAsNumber };
      await json("PUT", `/api/nodes/${name}/policy`, body).catch(orSignIn);
      status.textContent = `${name}: ${POLICIES[policy.value]}.`;
    } catch (error) {
      status.textContent = error.message;
    }
  });
  return element("li", { className: "row" }, named(name), policy, "from a score of", threshold, save, status);
}
