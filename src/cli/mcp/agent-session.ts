import { list, release, renew, resume, type Claim, type ClaimsOptions } from '../../claims/index.js';
import type { Guard } from '../../core/guard.js';
import { systemClock } from '../../platform/clock.js';

/** What ended without this session having ended it. */
type LossListener = (what: string) => void;

interface HeldLock {
  readonly address: string;
  readonly guard: Guard;
}

/**
 * What one agent session holds: claims, which this process renews for as long as it lives, and locks. The model renews nothing.
 */
export class AgentSession {
  /** Of every call about claims. */
  readonly options: ClaimsOptions & { readonly staleAfterMs: number };
  readonly locks = new Map<string, HeldLock>();
  /** By id, the holder id under which this very server has it: a newer server of the session has another one. */
  readonly #held = new Map<string, string>();
  readonly #ending = new AbortController();
  readonly #onLost: LossListener;
  readonly #onChange: () => void;
  #renewing: Promise<void> = Promise.resolve();

  constructor(
    options: ClaimsOptions & { readonly staleAfterMs: number },
    listeners: { readonly onLost: LossListener; readonly onChange: () => void },
  ) {
    this.options = { ...options, signal: this.#ending.signal };
    this.#onLost = listeners.onLost;
    this.#onChange = listeners.onChange;
  }

  get heldIds(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Takes over what an earlier server of the session held, under new tokens, and begins to renew. */
  async begin(): Promise<void> {
    this.#renewing = this.#renewForEver();
    for (const current of await resume(this.options)) this.note(current);
  }

  /** What was claimed just now, or seen to be this session's. */
  note(current: Claim | undefined): void {
    if (current?.isMine === true) this.#held.set(current.id, current.holderId);
    this.#onChange();
  }

  forget(id: string): void {
    this.#held.delete(id);
    this.#onChange();
  }

  changed(): void {
    this.#onChange();
  }

  /** Ends what is under way, then releases what is held, or leaves the claims to go stale. */
  async end(howClaims: 'release' | 'keep', graceMs: number): Promise<void> {
    this.#ending.abort(new Error('the server ends'));
    const tooLong = new AbortController();
    const timer = systemClock.setTimer(graceMs, () => tooLong.abort(new Error('the grace is over')));
    await this.#renewing;
    const locks = [...this.locks.values()].map(({ guard }) => guard.release());
    const ids = this.heldIds;
    const claims = howClaims === 'release' && ids.length > 0 ? this.#release(ids, tooLong.signal) : undefined;
    await Promise.allSettled([...locks, claims]);
    timer.clear();
  }

  async #release(ids: readonly string[], signal: AbortSignal): Promise<void> {
    // What a newer server of this session has taken over is not this server's to release.
    const { claims } = await list({ ...this.options, signal });
    const own = claims.filter(({ id, holderId }) => this.#held.get(id) === holderId).map(({ id }) => id);
    if (own.length > 0)
      await release(
        ids.filter((id) => own.includes(id)),
        { ...this.options, signal },
      );
  }

  async #renewForEver(): Promise<void> {
    const { signal } = this.#ending;
    let pauseMs = this.options.staleAfterMs / 3;
    while (!signal.aborted) {
      await pause(pauseMs, signal);
      if (signal.aborted) return;
      const isDone = await this.#renew().catch(() => false);
      // What could not be renewed is tried again soon: no other agent may take it before it is stale.
      pauseMs = this.options.staleAfterMs / (isDone ? 3 : 12);
    }
  }

  /** One push for all claims. False: some are to be tried again. */
  async #renew(): Promise<boolean> {
    const ids = this.heldIds;
    if (ids.length === 0) return true;
    const items = await renew(ids, this.options);
    let isDone = true;
    for (const { id, outcome, claim: current } of items) {
      const isOther = outcome === 'renewed' && current?.holderId !== this.#held.get(id);
      if (outcome === 'lost' || outcome === 'not-held' || isOther) {
        this.#held.delete(id);
        this.#onLost(isOther ? `${id} was taken over by a newer server of this session` : `${id} was lost`);
      } else if (outcome !== 'renewed') isDone = false;
    }
    return isDone;
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = systemClock.setTimer(delayMs, resolve);
    signal.addEventListener('abort', () => {
      timer.clear();
      resolve();
    });
  });
}
