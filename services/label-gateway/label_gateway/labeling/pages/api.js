// The HTTP API of the label-gateway, one function a route.

/** What the server answered instead of what was asked for. `status` 0: it could not be reached. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Asking the same again later may succeed. */
  get isPassing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** Trades the one-time token of a sign-in link for a session cookie. */
export const openSession = (token) => call("POST", "/api/session", { token }).then(json);

/** The first `limit` audios that wait for me, in order: `[{iteration_id, audio_id, place, of, …}]`. */
export const tasks = (limit) => call("GET", `/api/tasks?limit=${limit}`).then(json);

/** Says what I heard in an audio, `events` as `[{class_id, onset_s, offset_s}]`; saying it twice is no harm. */
export const submit = ({ iteration_id, audio_id }, events) =>
  call("PUT", `/api/tasks/${iteration_id}/${audio_id}`, { events }).then(json);

/** The bytes of an audio. */
export const audio = (audio_id) => call("GET", `/api/audio/${audio_id}`).then((response) => response.blob());

/** The classes: `[{class_id, name, is_doubt}]`. */
export const classes = () => call("GET", "/api/classes").then(json);

/** Adds a class; one that exists already under this name is given back. */
export const addClass = (name) => call("POST", "/api/classes", { name }).then(json);

const json = (response) => response.json();

async function call(method, path, body) {
  const request = { method };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  const response = await fetch(path, request).catch(() => {
    throw new ApiError(0, "The server cannot be reached.");
  });
  if (!response.ok) throw new ApiError(response.status, await reason(response));
  return response;
}

async function reason(response) {
  const { detail } = await response.json().catch(() => ({}));
  if (Array.isArray(detail)) return detail.map((fault) => fault.msg).join("; ");
  return detail || `The server answered ${response.status}.`;
}
