import type { LeaseClock } from '../../core/lease.js';
import type { Gateway } from './gateway.js';

/** The cluster does not wait longer than the TTL; the holder stops believing a fifth earlier. */
export const BELIEVED_PART = 0.8;
/** Below this part of it, a session's belief is renewed before a new hold is built on it. */
const FRESH_PART = 0.5;

/** A lease of the cluster and how long we may believe in it. All holds of one process and duration share one. */
export interface Session {
  readonly leaseId: string;
  /** As granted: etcd may give more than was asked for, never less. */
  readonly ttlMs: number;
  /** {@link LeaseClock}: counted from before the request that was last confirmed. */
  deadline: number;
}

export async function grantSession(
  gateway: Gateway,
  clock: LeaseClock,
  ttlMs: number,
  budgetMs: number,
): Promise<Session> {
  const startedAt = clock.now();
  // Whole seconds, and rather too long than too short.
  const answer = await gateway.call('/v3/lease/grant', { TTL: Math.ceil(ttlMs / 1_000) }, budgetMs);
  const grantedMs = Number(answer['TTL']) * 1_000;
  return { leaseId: String(answer['ID']), ttlMs: grantedMs, deadline: startedAt + grantedMs * BELIEVED_PART };
}

/** False when the lease is gone, and every key of the session with it. */
export async function keepAlive(gateway: Gateway, leaseId: string, budgetMs: number): Promise<boolean> {
  const answer = await gateway.call('/v3/lease/keepalive', { ID: leaseId }, budgetMs);
  const { TTL = '0' } = (answer['result'] ?? {}) as { readonly TTL?: string };
  return Number(TTL) > 0;
}

/** The open sessions of one process, by duration. */
export class Sessions {
  readonly #gateway: Gateway;
  readonly #clock: LeaseClock;
  readonly #open = new Map<number, Session>();
  readonly #opening = new Map<number, Promise<Session>>();

  constructor(gateway: Gateway, clock: LeaseClock) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  /** A session that can be believed in for at least half of its time. */
  async fresh(ttlMs: number, budgetMs: number): Promise<Session> {
    const session = this.#open.get(ttlMs);
    if (session !== undefined && (await this.refresh(session, budgetMs))) return session;
    if (this.#open.get(ttlMs) === session) this.#open.delete(ttlMs);
    return this.#opened(ttlMs, budgetMs);
  }

  /** Renews the belief where it has become short. False: the session is over, or has to be taken for that. */
  async refresh(session: Session, budgetMs: number): Promise<boolean> {
    const startedAt = this.#clock.now();
    const believedMs = session.ttlMs * BELIEVED_PART;
    const leftMs = session.deadline - startedAt;
    if (leftMs >= believedMs * FRESH_PART) return true;
    if (leftMs <= 0) return false;
    if (!(await keepAlive(this.#gateway, session.leaseId, budgetMs))) return false;
    session.deadline = Math.max(session.deadline, startedAt + believedMs);
    return this.#clock.now() < session.deadline;
  }

  /** Found to be gone by somebody who used it. */
  drop(session: Session): void {
    for (const [ttlMs, open] of this.#open) if (open === session) this.#open.delete(ttlMs);
  }

  /** Ends all sessions, and with them what is still held on them. */
  async close(budgetMs: number): Promise<void> {
    const sessions = [...this.#open.values()];
    this.#open.clear();
    const revocations = sessions.map(({ leaseId }) =>
      this.#gateway.call('/v3/lease/revoke', { ID: leaseId }, budgetMs),
    );
    // What cannot be revoked runs out by itself.
    await Promise.allSettled(revocations);
  }

  #opened(ttlMs: number, budgetMs: number): Promise<Session> {
    let opening = this.#opening.get(ttlMs);
    if (opening === undefined) {
      opening = grantSession(this.#gateway, this.#clock, ttlMs, budgetMs)
        .then((session) => {
          this.#open.set(ttlMs, session);
          return session;
        })
        .finally(() => this.#opening.delete(ttlMs));
      this.#opening.set(ttlMs, opening);
    }
    return opening;
  }
}
