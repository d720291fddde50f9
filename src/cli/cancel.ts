/** What people and supervisors end a waiting command with. USR1 would start Node's inspector. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Turns signals into the cancellation of a wait, so that it can end with a word and its exit code. */
export class SignalCancel {
  readonly #controller = new AbortController();
  #isArmed = false;
  #received: NodeJS.Signals | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The signal that canceled. */
  get received(): NodeJS.Signals | undefined {
    return this.#received;
  }

  /** Until then signals do what they always do. Called once there is something to wait for: it costs a little. */
  arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    for (const name of SIGNALS) process.on(name, this.#onSignal);
  }

  disarm(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    for (const name of SIGNALS) process.off(name, this.#onSignal);
  }

  /** Ends the wait for a reason of our own. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    this.#received ??= name;
    this.#controller.abort(name);
  };
}
