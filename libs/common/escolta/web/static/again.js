// Trying again what failed: with growing pauses, and at once when there is hope.

const FIRST_PAUSE_S = 1;
const LONGEST_PAUSE_S = 30;

/** Calls `act` again after `later()`, sooner if the network returns or somebody looks at the page again. */
export class Again {
  #act;
  #pause_s = FIRST_PAUSE_S;
  #timer = null;

  constructor(act) {
    this.#act = act;
    const hope = () => this.#timer !== null && this.#now();
    window.addEventListener("online", hope);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hope());
  }

  /** Not before `after_s`, where the server has asked for that. */
  later(after_s = 0) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#now(), Math.max(this.#pause_s, after_s) * 1000);
    this.#pause_s = Math.min(this.#pause_s * 1.5, LONGEST_PAUSE_S);
  }

  /** Nothing is left to try; the next pause is short again. */
  done() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#pause_s = FIRST_PAUSE_S;
  }

  #now() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#act();
  }
}

/** What `ask` answers in the end; rejects only with what no other attempt would mend. */
export function answered(ask) {
  return new Promise((resolve, reject) => {
    const attempt = () =>
      ask().then(resolve, (error) => (error.isPassing ? again.later(error.after_s) : reject(error)));
    const again = new Again(attempt);
    attempt();
  });
}
