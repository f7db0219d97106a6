// Asking the services: one request, and one error that says what went wrong.

const PATIENCE_S = 20;

/** What the server answered instead of what was asked for. `status` 0: it could not be reached. */
export class ApiError extends Error {
  constructor(status, message, after_s = 0) {
    super(message);
    this.status = status;
    this.after_s = after_s; // the server wants to be left alone so long
  }

  /** Asking the same again later may succeed. */
  get isPassing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

// The session's token, which shows that a page of ours asks. Whoever signs in anew in another tab has another.
const CSRF = "X-Escolta-CSRF";
let token = document.querySelector('meta[name="escolta-csrf"]')?.content ?? "";

/**
 * The answer to a request, its body sent as JSON, as what `read` makes of the response; an `ApiError` in place of any
 * but a good one. All of it has to be here within `patience_s`.
 */
export async function call(method, path, body, { read = (response) => response, patience_s = PATIENCE_S } = {}) {
  const request = { method, headers: {}, signal: AbortSignal.timeout(1000 * patience_s) };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const response = await sent(path, request).catch(missed);
  if (!response.ok) throw new ApiError(response.status, await reason(response), wait(response));
  return await Promise.resolve(read(response)).catch(missed);
}

async function sent(path, request) {
  request.headers[CSRF] = token;
  const response = await fetch(path, request);
  const of_now = response.headers.get(CSRF);
  if (response.status !== 403 || !of_now || of_now === token) return response;
  token = request.headers[CSRF] = of_now;
  return fetch(path, request);
}

/** What the answer to a request says, as JSON. */
export const json = (method, path, body) => call(method, path, body, { read: (response) => response.json() });

/** For pages that have nothing to lose: whoever is signed in no longer is sent to sign in. */
export function orSignIn(error) {
  if (error.status === 401) location.assign("/sign-in");
  throw error;
}

function missed({ name }) {
  throw new ApiError(0, name === "TimeoutError" ? "The server does not answer." : "The server cannot be reached.");
}

const wait = (response) => Number(response.headers.get("Retry-After")) || 0;

async function reason(response) {
  const { detail } = await response.json().catch(() => ({}));
  if (Array.isArray(detail)) return detail.map((fault) => `${fault.loc.at(-1)}: ${fault.msg}`).join("; ");
  return detail || `The server answered ${response.status}.`;
}
