// Asking the services: one request, and one error that says what went wrong.

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

/** The answer to a request, its body sent as JSON; an `ApiError` in place of any but a good one. */
export async function call(method, path, body) {
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

/** What the answer to a request says, as JSON. */
export const json = (...request) => call(...request).then((response) => response.json());

/** For pages that have nothing to lose: whoever is signed in no longer is sent to sign in. */
export function orSignIn(error) {
  if (error.status === 401) location.assign("/sign-in");
  throw error;
}

async function reason(response) {
  const { detail } = await response.json().catch(() => ({}));
  if (Array.isArray(detail)) return detail.map((fault) => `${fault.loc.at(-1)}: ${fault.msg}`).join("; ");
  return detail || `The server answered ${response.status}.`;
}
