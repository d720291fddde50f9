import type { LeaseClock } from '../../core/lease.js';
import { BELIEVED_PART } from '../engine/limits.js';
import type { EtcdClient } from './client.js';
import { numberOf } from './messages.js';

/** Below this part of it, a session's belief is renewed before a new hold is built on it. */
const FRESH_PART = 0.5;

/** A lease of the cluster and how long we may believe in it. All holds of one process and duration share one. */
export interface Session {
  readonly leaseId: string;
  /** As granted: etcd may give more than was asked for, never less. */
  readonly ttlMs: number;
  /** {@link LeaseClock}: counted from before the request that was last confirmed. */
  deadline: number;
  /** Claims on it that are not known to have ended. */
  claims: number;
}

export async function grantSession(
  client: EtcdClient,
  clock: LeaseClock,
  ttlMs: number,
  budgetMs: number,
): Promise<Session> {
  const startedAt = clock.now();
  // Whole seconds, and rather too long than too short.
  const answer = await client.call('grantLease', { ttl: Math.ceil(ttlMs / 1_000) }, budgetMs);
  const grantedMs = Number(numberOf(answer['ttl'])) * 1_000;
  return {
    leaseId: String(answer['id']),
    ttlMs: grantedMs,
    deadline: startedAt + grantedMs * BELIEVED_PART,
    claims: 0,
  };
}

/** False when the lease is gone, and every key of the session with it. */
export async function keepAlive(client: EtcdClient, leaseId: string, budgetMs: number): Promise<boolean> {
  const answer = await client.call('keepAlive', { id: leaseId }, budgetMs);
  return numberOf(answer['ttl']) > 0n;
}

/** The open sessions of one process, by duration. */
export class Sessions {
  readonly #client: EtcdClient;
  readonly #clock: LeaseClock;
  readonly #open = new Map<number, Session>();
  readonly #opening = new Map<number, Promise<Session>>();
  readonly #refreshing = new Map<Session, Promise<boolean>>();

  /** Their leases are not renewed any more. */
  isClosed = false;

  constructor(client: EtcdClient, clock: LeaseClock) {
    this.#client = client;
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
  refresh(session: Session, budgetMs: number): Promise<boolean> {
    const believedMs = session.ttlMs * BELIEVED_PART;
    const leftMs = session.deadline - this.#clock.now();
    if (leftMs >= believedMs * FRESH_PART) return Promise.resolve(true);
    if (leftMs <= 0) return Promise.resolve(false);
    let refreshing = this.#refreshing.get(session);
    if (refreshing === undefined) {
      refreshing = this.#refresh(session, budgetMs).finally(() => this.#refreshing.delete(session));
      this.#refreshing.set(session, refreshing);
    }
    return refreshing;
  }

  async #refresh(session: Session, budgetMs: number): Promise<boolean> {
    const startedAt = this.#clock.now();
    const believedMs = session.ttlMs * BELIEVED_PART;
    if (!(await keepAlive(this.#client, session.leaseId, budgetMs))) return false;
    session.deadline = Math.max(session.deadline, startedAt + believedMs);
    return this.#clock.now() < session.deadline;
  }

  /** Found to be gone by a call that used it. */
  drop(session: Session): void {
    for (const [ttlMs, open] of this.#open) if (open === session) this.#open.delete(ttlMs);
  }

  /**
   * Ends the sessions on which something is held. The others run out by themselves: what is left on them shows the next
   * in a queue that it has not to wait, see {@link releaseClaim}.
   */
  async close(budgetMs: number): Promise<void> {
    this.isClosed = true;
    const sessions = [...this.#open.values()].filter(({ claims }) => claims > 0);
    this.#open.clear();
    const revocations = sessions.map(({ leaseId }) =>
      this.#client.call('revokeLease', { id: leaseId }, budgetMs),
    );
    // What cannot be revoked runs out by itself.
    await Promise.allSettled(revocations);
  }

  #opened(ttlMs: number, budgetMs: number): Promise<Session> {
    let opening = this.#opening.get(ttlMs);
    if (opening === undefined) {
      opening = grantSession(this.#client, this.#clock, ttlMs, budgetMs)
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
