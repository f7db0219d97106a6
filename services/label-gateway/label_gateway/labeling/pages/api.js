// The HTTP API of the label-gateway, one function a route.

import { ApiError, call, json } from "/static/api.js";

const DOWNLOAD_PATIENCE_S = 60;

/** Rejects with status 401 unless `labeler_id` is still who is signed in: the tabs of a browser share a session. */
export async function confirm(labeler_id) {
  const person = await json("GET", "/api/me");
  if (person.labeler_id !== labeler_id) throw new ApiError(401, `${person.name} is signed in now.`);
}

/** The first `limit` audios that wait for me, in order: `[{iteration_id, audio_id, place, of, suggested, …}]`. */
export const tasks = (limit) => json("GET", `/api/tasks?limit=${limit}`);

/** What I said of the audios that I labeled last, the newest first: tasks with `{submitted_at, settled, events}`. */
export const lastAudios = () => json("GET", "/api/tasks/last");

/** Says what I heard in an audio, `events` as `[{class_id, onset_s, offset_s}]`; saying it twice is no harm. */
export const submit = ({ iteration_id, audio_id, suggested = [] }, events) =>
  json("PUT", `/api/tasks/${iteration_id}/${audio_id}`, { events, suggestions_shown: suggested.length > 0 });

/** The bytes of an audio. */
export const audio = (audio_id) =>
  call("GET", `/api/audio/${audio_id}`, undefined, {
    read: (response) => response.arrayBuffer(),
    patience_s: DOWNLOAD_PATIENCE_S,
  });

/** The classes: `[{class_id, name, is_doubt, synonyms, parents}]`, parents as ids of those right above. */
export const classes = () => json("GET", "/api/classes");

/** Adds a class; one that exists already under this name is given back. */
export const addClass = (name) => json("POST", "/api/classes", { name });
