import type { Deadline } from '../../core/time.js';
import { Session, type SessionContext } from './session.js';

/** A connection costs milliseconds and a process on the server: a few are kept for the next hold, for a while. */
const IDLE_KEPT = 4;
const IDLE_MS = 10_000;

/** The sessions of one server that hold nothing just now. */
export class Sessions {
  readonly #context: SessionContext;
  readonly #idle: { readonly session: Session; readonly end: Deadline }[] = [];
  #isClosed = false;

  readonly #kept: number;

  /** @param kept how many to keep: none of a pool that somebody else counts on. */
  constructor(context: SessionContext, kept = IDLE_KEPT) {
    this.#context = context;
    this.#kept = kept;
  }

  /** The one used last: the least likely to have died unnoticed. */
  take(): Session | undefined {
    const idle = this.#idle.pop();
    if (idle === undefined) return undefined;
    this.#context.deadlines.remove(idle.end);
    idle.session.onEnd = undefined;
    return idle.session;
  }

  open(budgetMs: number): Promise<Session> {
    return Session.open(this.#context, budgetMs);
  }

  /** @param session holds nothing any more. */
  giveBack(session: Session): void {
    if (!session.isOpen) return;
    if (this.#isClosed || this.#idle.length >= this.#kept) return session.close();
    const end = this.#context.deadlines.add(IDLE_MS, () => this.#discard(session));
    session.onEnd = () => this.#discard(session);
    this.#idle.push({ session, end });
  }

  close(): void {
    this.#isClosed = true;
    for (const { session, end } of this.#idle.splice(0)) {
      this.#context.deadlines.remove(end);
      session.close();
    }
  }

  #discard(session: Session): void {
    const index = this.#idle.findIndex((idle) => idle.session === session);
    const [idle] = index < 0 ? [] : this.#idle.splice(index, 1);
    if (idle === undefined) return;
    this.#context.deadlines.remove(idle.end);
    session.close();
  }
}
