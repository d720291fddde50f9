import { threadId } from 'node:worker_threads';

import { isLockError } from '../core/errors.js';
import { lossOr, type Guard } from '../core/guard.js';
import { pause } from '../core/time.js';
import { acquire, tryAcquire } from '../locks/acquire.js';
import { inspect } from '../locks/inspect.js';
import { systemClock } from '../platform/clock.js';
import { placeOf, type Place } from './place.js';
import {
  checkRequest,
  notSupported,
  type CheckedRequest,
  type Lock,
  type LockGrantedCallback,
  type LockMode,
  type LockOptions,
} from './request.js';
import { snapshotOf, type LockInfo, type LockManagerSnapshot } from './snapshot.js';
import { Turns, type Hold, type Waiter } from './turns.js';

/** Options of {@link LockManager}. */
export interface LockManagerOptions {
  /**
   * Where the locks are kept, so that names there are one namespace: a directory, `memory:`, or the address of a server
   * without the name of a lock (`redis://HOST`). Default: a directory of this user's, for all of the user's programs.
   */
  readonly place?: string;
}

/** A request of this manager that waits for its lock. */
interface Pending extends Waiter {
  readonly name: string;
}

/**
 * The `LockManager` of the Web Locks API, between processes: `request` and `query` work as on `navigator.locks`, and exclude
 * every process that uses the same place. The global object is not touched.
 *
 * Other than in a browser: `steal` takes locks of this manager only; a lease that is lost rejects its request with
 * HOLDFAST_LOST; `query` shows a waiter of another process only where the place knows waiters.
 *
 * @example
 * const locks = new LockManager({ place: '/run/app' });
 * await locks.request('report', async (lock) => { await write(lock.name); });
 */
export class LockManager {
  /** As `query` names this manager: process id, thread, and a count. */
  readonly #clientId = `${process.pid}.${threadId}.${++managers}`;
  readonly #place: Place;
  readonly #turns = new Map<string, Turns>();
  /** In the order of their requests, whatever their names. */
  readonly #pending = new Set<Pending>();
  readonly #held = new Map<Hold, LockInfo>();

  /** Does no I/O. @throws TypeError for a place that cannot be used. */
  constructor({ place }: LockManagerOptions = {}) {
    this.#place = placeOf(place);
  }

  /**
   * Runs `callback` while the lock `name` is held; resolves or rejects as it does, once the lock is released.
   *
   * @throws TypeError, DOMException `NotSupportedError` for arguments that the Web Locks API refuses, the reason of `signal`,
   *   DOMException `AbortError` when the lock is stolen, LockError when it cannot be reached or is lost.
   */
  request<T>(name: string, callback: LockGrantedCallback<T>): Promise<Awaited<T>>;
  request<T>(name: string, options: LockOptions, callback: LockGrantedCallback<T>): Promise<Awaited<T>>;
  async request<T>(...args: unknown[]): Promise<Awaited<T>> {
    const request = checkRequest<T>(args);
    if (request.steal) await this.#prepareSteal(request.name);
    return new Promise<Awaited<T>>((resolve, reject) => {
      const run = new Run(request, { resolve, reject });
      const turns = this.#turnsOf(request.name);
      if (request.steal) return this.#steal(turns, run);
      if (request.ifAvailable && !turns.isFree(request.mode)) return void run.without();
      turns.join(this.#waiterFor(turns, run));
    });
  }

  /**
   * What is held and waited for at the place, by this manager and by others. It may be out of date when it is read.
   *
   * @throws LockError when the place cannot be looked at.
   */
  async query(): Promise<LockManagerSnapshot> {
    // What was granted before this call is held in the answer.
    await new Promise<void>((done) => systemClock.yieldTurn(done));
    const seen = await this.#place.list();
    const pending = [...this.#pending].map(({ name, mode }) => this.#infoOf(name, mode));
    return snapshotOf(seen, { held: [...this.#held.values()], pending });
  }

  #turnsOf(name: string): Turns {
    let turns = this.#turns.get(name);
    if (turns === undefined) {
      turns = new Turns();
      this.#turns.set(name, turns);
    }
    return turns;
  }

  /** @throws NotSupportedError when others hold the lock. */
  async #prepareSteal(name: string): Promise<void> {
    const lock = this.#place.lockOf(name);
    const turns = this.#turnsOf(name);
    // A request of this manager may be about to hold.
    const over = new AbortController();
    await Promise.race([turns.whenAnswered(), pause(systemClock, ANSWER_MS, over.signal)]);
    over.abort();
    const { size } = turns.held;
    if ([...turns.held].some(({ mode }) => mode === 'exclusive')) return;
    const isElsewhere =
      size > 0
        ? (await inspect(lock)).holders.length > size
        : (await tryAcquire(lock).then(async (guard) => guard?.release().then(() => guard))) === undefined;
    if (isElsewhere && (size > 0 || turns.held.size === 0))
      throw notSupported(`"${name}" is held elsewhere, and a lock is taken only from its own manager.`);
  }

  #steal<T>(turns: Turns, run: Run<T>): void {
    const stolen = [...turns.held];
    const exclusive = stolen.find(({ mode }) => mode === 'exclusive');
    for (const hold of stolen) this.#breakOff(turns, hold);
    // The very hold changes its owner, so that no other process can come in between.
    if (exclusive !== undefined) this.#hold(turns, run, exclusive.guard);
    else turns.joinFirst(this.#waiterFor(turns, run));
  }

  #breakOff(turns: Turns, hold: Hold): void {
    hold.isBroken = true;
    turns.held.delete(hold);
    this.#held.delete(hold);
    hold.breakOff();
    // What could not be put away is reported to the next request for the lock.
    if (hold.mode === 'shared') void hold.guard.release().catch(() => undefined);
  }

  #waiterFor<T>(turns: Turns, run: Run<T>): Waiter {
    const { name, mode, ifAvailable, signal } = run.request;
    let attempt = new AbortController();
    let isAborted = false;
    const start = async (): Promise<'over' | 'again'> => {
      attempt = new AbortController();
      try {
        const guard = await this.#ask(run.request, attempt.signal);
        if (isAborted) await guard?.release();
        else if (guard === undefined) void run.without();
        else this.#hold(turns, run, guard);
      } catch (error) {
        if (!isAborted && attempt.signal.aborted) return 'again';
        run.fail(error);
      }
      this.#pending.delete(waiter);
      turns.leave(waiter);
      this.#forgetIfIdle(name, turns);
      return 'over';
    };
    const waiter: Pending = { name, mode, start, interrupt: () => attempt.abort() };
    if (!ifAvailable) this.#pending.add(waiter);
    const onAbort = (): void => {
      if (!this.#pending.delete(waiter)) return;
      isAborted = true;
      turns.leave(waiter);
      attempt.abort();
      run.fail(signal?.reason);
      turns.advance();
      this.#forgetIfIdle(name, turns);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    return waiter;
  }

  #ask(
    { name, mode, ifAvailable }: CheckedRequest<unknown>,
    signal: AbortSignal,
  ): Promise<Guard | undefined> {
    const lock = this.#place.lockOf(name);
    const options = { mode, info: this.#infoOf(name, mode) };
    return ifAvailable
      ? tryAcquire(lock, options)
      : acquire(lock, { ...options, signal, timeoutMs: Infinity });
  }

  #hold<T>(turns: Turns, run: Run<T>, guard: Guard): void {
    const { name, mode } = run.request;
    const hold: Hold = { mode, guard, isBroken: false, breakOff: () => run.breakOff() };
    turns.held.add(hold);
    this.#held.set(hold, this.#infoOf(name, mode));
    void run.with(hold, () => {
      this.#held.delete(hold);
      turns.held.delete(hold);
      turns.advance();
      this.#forgetIfIdle(name, turns);
    });
  }

  #forgetIfIdle(name: string, turns: Turns): void {
    if (turns.isIdle && this.#turns.get(name) === turns) this.#turns.delete(name);
  }

  #infoOf(name: string, mode: LockMode): LockInfo {
    return { name, mode, clientId: this.#clientId };
  }
}

let managers = 0;

/** A request that is not contended is answered sooner. */
const ANSWER_MS = 1_000;

/** Never in the turn of the request itself. */
function nextTurn<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return Promise.resolve().then(call);
}

interface Settle<T> {
  readonly resolve: (value: Awaited<T>) => void;
  readonly reject: (error: unknown) => void;
}

/** One call of a callback, and the promise of its request. */
class Run<T> {
  readonly request: CheckedRequest<T>;
  readonly #settle: Settle<T>;

  constructor(request: CheckedRequest<T>, settle: Settle<T>) {
    this.request = request;
    this.#settle = settle;
  }

  fail(error: unknown): void {
    const { signal } = this.request;
    const isOurs = isLockError(error) && error.isCanceled && signal?.aborted === true;
    this.#settle.reject(isOurs ? signal.reason : error);
  }

  /** Calls back with `null`. */
  async without(): Promise<void> {
    try {
      this.#settle.resolve(await nextTurn(() => this.request.callback(null)));
    } catch (error) {
      this.#settle.reject(error);
    }
  }

  breakOff(): void {
    this.#settle.reject(new DOMException('The lock was stolen.', 'AbortError'));
  }

  /** Calls back with the lock, releases it, then settles the promise. */
  async with(hold: Hold, onReleased: () => void): Promise<void> {
    const { name, mode } = this.request;
    const lock: Lock = Object.freeze({ name, mode });
    let settle: () => void;
    try {
      const value = await nextTurn(() => this.request.callback(lock));
      if (!hold.isBroken) hold.guard.assertHeld();
      settle = () => this.#settle.resolve(value);
    } catch (error) {
      const first = hold.isBroken ? error : lossOr(hold.guard, error);
      settle = () => this.#settle.reject(first);
    }
    // A broken hold is another holder's now, or free.
    if (hold.isBroken) return;
    await hold.guard.release().catch((error: unknown) => (settle = () => this.#settle.reject(error)));
    onReleased();
    settle();
  }
}
