import { Session, type SessionContext } from './session.js';

/** A connection costs milliseconds and a process on the server: it is kept for the next use, for a while. */
const IDLE_MS = 10_000;
/** Sessions that wait in the server's queue, or hold what they waited for. */
export const WAITING_MAX = 8;

/**
 * The sessions of one server: the main one tries and holds, up to {@link WAITING_MAX} more wait. A wait needs a session
 * that holds nothing: one that held and waited would be half of a deadlock that only the server sees.
 */
export class Sessions {
  readonly #context: SessionContext;
  readonly #idleMs: number;
  #main: Session | undefined;
  #opening: Promise<Session> | undefined;
  /** `undefined` while it is being opened. */
  readonly #waiting = new Set<{ session: Session | undefined; isBusy: boolean }>();
  #isClosed = false;
  #isSweepDue = false;
  /** Of the main session. */
  onNotification: Session['onNotification'];

  /** @param idleMs how long to keep what nothing uses: not at all where the sessions are another's. */
  constructor(context: SessionContext, idleMs = IDLE_MS) {
    this.#context = context;
    this.#idleMs = idleMs;
  }

  async main(budgetMs: number): Promise<Session> {
    if (this.#main?.isOpen === true) {
      this.#main.usedAt = this.#context.clock.now();
      return this.#main;
    }
    this.#opening ??= this.#openMain(budgetMs).finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** A session that holds nothing, for one wait; undefined when all are in use. Ends with {@link giveBack}. */
  async forWaiting(budgetMs: number): Promise<Session | undefined> {
    for (const kept of this.#waiting) {
      if (kept.isBusy || kept.session?.isIdle !== true || !kept.session.isOpen) continue;
      kept.isBusy = true;
      return kept.session;
    }
    if (this.#waiting.size >= WAITING_MAX) return undefined;
    const opening: { session: Session | undefined; isBusy: boolean } = { session: undefined, isBusy: true };
    this.#waiting.add(opening);
    try {
      const session = await Session.open(this.#context, budgetMs, false);
      opening.session = session;
      session.onEnd = () => this.#waiting.delete(opening);
      return session;
    } catch (error) {
      this.#waiting.delete(opening);
      throw error;
    }
  }

  /** The wait is over, or what was waited for. */
  giveBack(session: Session): void {
    for (const kept of this.#waiting) {
      if (kept.session !== session) continue;
      kept.isBusy = false;
      if (!session.isOpen) this.#waiting.delete(kept);
    }
    this.sweepSoon();
  }

  /** The process ids, at the server, of all sessions. */
  get backendPids(): readonly number[] {
    return this.#all().map(({ backendPid }) => backendPid);
  }

  /** Closes what has not been used for a while. */
  sweepSoon(): void {
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    const { clock, deadlines } = this.#context;
    const sweep = (): void => {
      this.#isSweepDue = false;
      this.#sweep();
    };
    if (this.#idleMs === 0) clock.yieldTurn(sweep);
    else deadlines.add(this.#idleMs, sweep);
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#all()) session.close();
    this.#waiting.clear();
    this.#main = undefined;
  }

  #sweep(): void {
    const before = this.#context.clock.now() - this.#idleMs + 1;
    const isUnused = (session: Session): boolean => session.isIdle && session.usedAt <= before;
    for (const kept of this.#waiting) {
      if (kept.isBusy || kept.session === undefined || !isUnused(kept.session)) continue;
      this.#waiting.delete(kept);
      kept.session.close();
    }
    // It answers other processes for all of them.
    const isLast = this.#waiting.size === 0 && this.#main !== undefined;
    if (isLast && this.#main !== undefined && isUnused(this.#main)) {
      this.#main.close();
      this.#main = undefined;
    } else if (this.#main !== undefined || this.#waiting.size > 0) {
      // What is held is held for long: the last release sweeps.
      if (this.#all().some((session) => session.isIdle)) this.sweepSoon();
    }
  }

  async #openMain(budgetMs: number): Promise<Session> {
    const session = await Session.open(this.#context, budgetMs, true);
    this.#main = session;
    session.onNotification = (...message) => this.onNotification?.(...message);
    session.onEnd = () => {
      if (this.#main === session) this.#main = undefined;
    };
    if (this.#isClosed) this.close();
    return session;
  }

  #all(): readonly Session[] {
    const waiting = [...this.#waiting].flatMap(({ session }) => session ?? []);
    return this.#main === undefined ? waiting : [this.#main, ...waiting];
  }
}
