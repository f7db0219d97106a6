// The HTTP API of the al-engine, one function a route.

import { call, json, orSignIn } from "/static/api.js";

export const iterations = () => get("/api/iterations");
export const strategies = () => get("/api/iterations/strategies");
export const panel = () => get("/api/iterations/panel");
export const iteration = (id) => get(`/api/iterations/${id}`);
export const ask = (wanted) => post("/api/iterations", wanted);
export const cancel = (id) => call("POST", `/api/iterations/${id}/cancel`).catch(orSignIn);
export const mapState = (id) => get(`/api/iterations/${id}/map`);
export const askForMap = (id) => post(`/api/iterations/${id}/map`);
export const points = (id) =>
  call("GET", `/api/iterations/${id}/map/points`).then((it) => it.arrayBuffer(), orSignIn);
export const soundOf = (audio_id) => `/api/iterations/audio/${audio_id}`;

const AT_ONCE = 1000;

/** What is known of audios, in the order of their ids. */
export async function describe(id, audio_ids) {
  const described = [];
  for (let from = 0; from < audio_ids.length; from += AT_ONCE) {
    const some = audio_ids.slice(from, from + AT_ONCE);
    described.push(...(await post(`/api/iterations/${id}/map/audios`, { audio_ids: some })));
  }
  return described;
}

const get = (path) => json("GET", path).catch(orSignIn);
const post = (path, body) => json("POST", path, body).catch(orSignIn);
