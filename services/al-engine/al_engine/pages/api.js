// The HTTP API of the al-engine, one function a route.

export const iterations = () => json("GET", "/api/iterations");
export const strategies = () => json("GET", "/api/iterations/strategies");
export const panel = () => json("GET", "/api/iterations/panel");
export const iteration = (id) => json("GET", `/api/iterations/${id}`);
export const ask = (wanted) => json("POST", "/api/iterations", wanted);
export const mapState = (id) => json("GET", `/api/iterations/${id}/map`);
export const askForMap = (id) => json("POST", `/api/iterations/${id}/map`);
export const points = (id) => call("GET", `/api/iterations/${id}/map/points`).then((it) => it.arrayBuffer());
export const soundOf = (audio_id) => `/api/iterations/audio/${audio_id}`;

const AT_ONCE = 1000;

/** What is known of audios, in the order of their ids. */
export async function describe(id, audio_ids) {
  const described = [];
  for (let from = 0; from < audio_ids.length; from += AT_ONCE) {
    const some = audio_ids.slice(from, from + AT_ONCE);
    described.push(...(await json("POST", `/api/iterations/${id}/map/audios`, { audio_ids: some })));
  }
  return described;
}

const json = (...request) => call(...request).then((response) => response.json());

async function call(method, path, body) {
  const request = { method };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  const response = await fetch(path, request).catch(() => {
    throw new Error("The server cannot be reached.");
  });
  if (response.status === 401) location.assign("/sign-in");
  if (!response.ok) throw Object.assign(new Error(await reason(response)), { status: response.status });
  return response;
}

async function reason(response) {
  const { detail } = await response.json().catch(() => ({}));
  if (Array.isArray(detail)) return detail.map((fault) => `${fault.loc.at(-1)}: ${fault.msg}`).join("; ");
  return detail || `The server answered ${response.status}.`;
}
