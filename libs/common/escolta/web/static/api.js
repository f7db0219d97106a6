// Asking the services: one request, and one error that says what went wrong.

const PATIENCE_S = 20;

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

/**
 * The answer to a request, its body sent as JSON, as what `read` makes of the response; an `ApiError` in place of any
 * but a good one. All of it has to be here within `patience_s`.
 */
export async function call(method, path, body, { read = (response) => response, patience_s = PATIENCE_S } = {}) {
  const request = { method, signal: AbortSignal.timeout(1000 * patience_s) };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  const response = await fetch(path, request).catch(missed);
  if (!response.ok) throw new ApiError(response.status, await reason(response));
  return await Promise.resolve(read(response)).catch(missed);
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

async function reason(response) {
  const { detail } = await response.json().catch(() => ({}));
  if (Array.isArray(detail)) return detail.map((fault) => `${fault.loc.at(-1)}: ${fault.msg}`).join("; ");
  return detail || `The server answered ${response.status}.`;
}
