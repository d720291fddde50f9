import type { Clock } from '../../core/time.js';
import type { HoldWatch, RenewalOutcome } from '../../core/lease.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import type { Claim } from './claim.js';
import { evaluate, OwnConnection, type ConnectionEvents, type RedisConnection } from './connection.js';
import type { RedisConfig } from './config.js';
import { BROKEN_CHANNEL, keysOf } from './keys.js';
import { EXTEND_ALL } from './scripts.js';

/** The server runs one script at a time: this many claims keep it busy for some milliseconds. */
const CLAIMS_PER_SCRIPT = 250;
const LOOK_ONLY_MS = 0;
/** A connection that is silent for this long is replaced. */
const LOOK_BUDGET_MS = 1_000;
/** What changes in between is looked at together. */
const LOOK_PAUSE_MS = 10;
const RECONNECT_PAUSE_MS = 100;

interface Asked {
  readonly claim: Claim;
  readonly leaseMs: number;
  readonly budgetMs: number;
  readonly resolve: (outcome: RenewalOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The claims that are kept through one connection: renewed by few scripts, however many there are, and looked at as soon
 * as the server reports a change, a break, or the end of the connection.
 */
export class HeldClaims implements ConnectionEvents {
  readonly #clock: Clock;
  readonly #connection: RedisConnection;
  readonly #watched = new Map<string, { readonly claim: Claim; readonly hold: HoldWatch }>();
  readonly #byKey = new Map<string, Set<string>>();
  #asked: Asked[] = [];
  readonly #toLook = new Set<string>();
  #isLooking = false;

  constructor(clock: Clock, connection: RedisConnection) {
    this.#clock = clock;
    this.#connection = connection;
    this.#connection.listen?.(BROKEN_CHANNEL, (holderId) => this.#lookAt(holderId));
  }

  static over(config: RedisConfig, clock: Clock): HeldClaims {
    let held: HeldClaims | undefined;
    const events: ConnectionEvents = {
      onClosed: () => held?.onClosed(),
      onChanged: (key) => held?.onChanged(key),
    };
    held = new HeldClaims(clock, new OwnConnection(config, clock, events));
    return held;
  }

  /** @param remainingMs of the belief in it; an answer after that is of no use. */
  extend(claim: Claim, remainingMs: number): Promise<RenewalOutcome> {
    return this.#ask(claim, Math.round(claim.leaseDurationMs), Math.min(SERVER_ANSWER_MS, remainingMs));
  }

  /** Reports the end of the hold to `hold` as soon as it is known, until the returned function is called. */
  watch(claim: Claim, hold: HoldWatch): () => void {
    const { holderId } = claim;
    const key = watchedKey(claim);
    this.#watched.set(holderId, { claim, hold });
    const holders = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, holders.add(holderId));
    // The server reports changes of what was read here: the first look is what begins the reports.
    this.#lookAt(holderId);
    return () => {
      this.#watched.delete(holderId);
      holders.delete(holderId);
      if (holders.size === 0 && this.#byKey.get(key) === holders) this.#byKey.delete(key);
    };
  }

  onChanged(key: string | undefined): void {
    const holders = key === undefined ? this.#watched.keys() : (this.#byKey.get(key) ?? []);
    for (const holderId of holders) this.#lookAt(holderId);
  }

  /** The server may have been restarted without its data: that is known as soon as it is there again. */
  onClosed(): void {
    this.onChanged(undefined);
  }

  #lookAt(holderId: string): void {
    if (!this.#watched.has(holderId)) return;
    this.#toLook.add(holderId);
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#look();
  }

  async #look(): Promise<void> {
    await this.#pause(LOOK_PAUSE_MS);
    while (this.#toLook.size > 0) {
      const holderIds = [...this.#toLook];
      this.#toLook.clear();
      const looks = holderIds.map((holderId) => this.#lookOnce(holderId));
      const failed = (await Promise.all(looks)).some((hasFailed) => hasFailed);
      if (this.#toLook.size > 0) await this.#pause(failed ? RECONNECT_PAUSE_MS : LOOK_PAUSE_MS);
    }
    this.#isLooking = false;
  }

  async #lookOnce(holderId: string): Promise<boolean> {
    const watched = this.#watched.get(holderId);
    if (watched === undefined || watched.hold.isOver) return false;
    try {
      const outcome = await this.#ask(watched.claim, LOOK_ONLY_MS, LOOK_BUDGET_MS);
      if (outcome !== 'extended' && outcome !== 'again') watched.hold.lose(outcome);
      return false;
    } catch {
      this.#toLook.add(holderId);
      return true;
    }
  }

  #ask(claim: Claim, leaseMs: number, budgetMs: number): Promise<RenewalOutcome> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ claim, leaseMs, budgetMs, resolve, reject });
      // Those that are due in the same turn of the loop go together.
      if (this.#asked.length === 1) this.#clock.yieldTurn(() => this.#flush());
    });
  }

  #flush(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (let from = 0; from < asked.length; from += CLAIMS_PER_SCRIPT) {
      void this.#send(asked.slice(from, from + CLAIMS_PER_SCRIPT));
    }
  }

  async #send(asked: readonly Asked[]): Promise<void> {
    const keys = asked.flatMap(({ claim }) => scriptKeys(claim));
    const args = asked.flatMap(({ claim: { isPermit, holderId }, leaseMs }) => [
      isPermit ? 'permit' : 'lock',
      holderId,
      String(leaseMs),
    ]);
    const budgetMs = Math.max(1, Math.min(...asked.map((one) => one.budgetMs)));
    try {
      const reply = await evaluate(this.#connection, EXTEND_ALL, keys, args, budgetMs);
      const outcomes = reply as number[];
      for (const [index, { resolve }] of asked.entries()) resolve(outcomeOf(outcomes[index]));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimer(delayMs, resolve, { keepsProcessAlive: false });
    });
  }
}

function outcomeOf(reply: number | undefined): RenewalOutcome {
  if (reply === 1) return 'extended';
  return reply === 0 ? 'taken' : 'record-missing';
}

function scriptKeys({ resource, isPermit }: Claim): readonly string[] {
  const { lock, permits, holders } = keysOf(resource);
  return isPermit ? [permits, holders] : [lock];
}

function watchedKey({ resource, isPermit }: Claim): string {
  const { lock, permits } = keysOf(resource);
  return isPermit ? permits : lock;
}
