import type { HoldWatch, Renewal, RenewalOutcome } from '../../core/lease.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import type { EtcdClient } from './client.js';
import type { HeldKey } from './grant.js';
import { lookRequest, only, txnResult } from './requests.js';
import { keepAlive } from './session.js';
import { Watches, type WatchEvent } from './watches.js';

/** etcd takes 128 operations in one transaction. */
const KEYS_PER_LOOK = 100;
const LOOK_MS = 1_000;
const LOOK_PAUSE_MS = 10;

interface Asked {
  readonly held: HeldKey;
  readonly budgetMs: number;
  readonly resolve: (outcome: RenewalOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The holds that are kept through one client. Their session is renewed once for all that are due together, and each own
 * key is watched: a break, a deletion and a revoked lease are reported as they happen.
 */
export class HeldKeys {
  readonly #client: EtcdClient;
  readonly #watches: Watches;
  #asked: Asked[] = [];
  readonly #toLook = new Map<HeldKey, HoldWatch>();

  constructor(client: EtcdClient) {
    this.#client = client;
    this.#watches = new Watches(client);
  }

  /** The owner's thread releases: see {@link Lease.isReleaseSafe}. */
  renewalOf(held: HeldKey): Renewal {
    return {
      renew: (remainingMs) => this.#renew(held, Math.min(SERVER_ANSWER_MS, remainingMs)),
      watch: (hold) => this.#watch(held, hold),
      release: () => Promise.resolve(),
    };
  }

  #watch(held: HeldKey, hold: HoldWatch): () => void {
    const stop = this.#watches.add({
      range: only(held.key),
      startRevision: BigInt(held.revision) + 1n,
      onEvent: (event) => this.#onEvent(held, hold, event),
    });
    return () => {
      this.#toLook.delete(held);
      stop();
    };
  }

  #onEvent(held: HeldKey, hold: HoldWatch, event: WatchEvent): void {
    if (event.kind === 'deleted') return hold.lose('record-missing');
    // A break puts the key on another lease.
    if (event.kind === 'put') return event.keyValue.lease === held.leaseId ? undefined : hold.lose('taken');
    if (hold.isOver) return;
    this.#toLook.set(held, hold);
    if (this.#toLook.size === 1) {
      this.#client.clock.setTimer(LOOK_PAUSE_MS, () => void this.#look(), { keepsProcessAlive: false });
    }
  }

  /** A failure decides nothing: the renewals go on, and the stream reports when it is there again. */
  async #look(): Promise<void> {
    const holds = [...this.#toLook];
    this.#toLook.clear();
    await eachPart(holds, async (part) => {
      const outcomes = await this.#read(
        part.map(([held]) => held),
        LOOK_MS,
      ).catch(() => []);
      for (const [index, [, hold]] of part.entries()) {
        const outcome = outcomes[index];
        if (outcome !== undefined && outcome !== 'extended' && outcome !== 'again') hold.lose(outcome);
      }
    });
  }

  #renew(held: HeldKey, budgetMs: number): Promise<RenewalOutcome> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ held, budgetMs, resolve, reject });
      // Those that are due in the same turn of the loop go together.
      if (this.#asked.length === 1) this.#client.clock.yieldTurn(() => this.#flush());
    });
  }

  #flush(): void {
    const asked = this.#asked;
    this.#asked = [];
    const budgetMs = Math.max(1, Math.min(...asked.map((one) => one.budgetMs)));
    const sessions = new Map<string, Promise<boolean>>();
    for (const { held } of asked) {
      if (sessions.has(held.leaseId)) continue;
      sessions.set(held.leaseId, keepAlive(this.#client, held.leaseId, budgetMs));
    }
    void eachPart(asked, (part) => this.#answer(part, sessions, budgetMs));
  }

  async #answer(
    asked: readonly Asked[],
    sessions: ReadonlyMap<string, Promise<boolean>>,
    budgetMs: number,
  ): Promise<void> {
    try {
      const reading = this.#read(
        asked.map(({ held }) => held),
        budgetMs,
      );
      const [outcomes] = await Promise.all([reading, ...sessions.values()]);
      for (const [index, { held, resolve }] of asked.entries()) {
        const isAlive = await sessions.get(held.leaseId);
        resolve(isAlive === true ? (outcomes[index] ?? 'again') : 'expired');
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  /** A read that more than half of the members confirm: a member that was cut off and does not know of it cannot. */
  async #read(held: readonly HeldKey[], budgetMs: number): Promise<readonly RenewalOutcome[]> {
    const success = held.map(({ key }) => ({ range: lookRequest(key) }));
    const answer = await this.#client.call('txn', { compare: [], success, failure: [] }, budgetMs);
    const { ranges } = txnResult(answer);
    return held.map(({ leaseId }, index) => {
      const own = ranges[index]?.[0];
      if (own === undefined) return 'record-missing';
      return own.lease === leaseId ? 'extended' : 'taken';
    });
  }
}

async function eachPart<T>(all: readonly T[], work: (part: readonly T[]) => Promise<void>): Promise<void> {
  const parts: Promise<void>[] = [];
  for (let from = 0; from < all.length; from += KEYS_PER_LOOK) {
    parts.push(work(all.slice(from, from + KEYS_PER_LOOK)));
  }
  await Promise.all(parts);
}
