import type { HolderInfo } from '../core/backend.js';
import { checkOptions } from '../core/check-options.js';
import { timeoutOf } from '../core/diagnostics.js';
import { LockError } from '../core/errors.js';
import type { Guard } from '../core/guard.js';
import { canceledError, contendedError } from '../core/messages.js';
import { LOCK_OPTIONS, mergeOptions, type LockOptions } from '../core/options.js';
import { backoffDelayMs, pause } from '../core/time.js';
import { systemClock } from '../platform/clock.js';
import { tryAcquire } from './acquire.js';
import { inspect, type Inspection } from './inspect.js';
import { optionsOf, targetOf, type Lock } from './lock.js';

/** Options of {@link singleton}. */
export type SingletonOptions = Pick<
  LockOptions,
  | 'info'
  | 'reason'
  | 'timeoutMs'
  | 'timeoutSource'
  | 'signal'
  | 'leaseDurationMs'
  | 'fencing'
  | 'recordCommand'
>;

const SINGLETON_OPTIONS = Object.fromEntries(
  [
    'info',
    'reason',
    'timeoutMs',
    'timeoutSource',
    'signal',
    'leaseDurationMs',
    'fencing',
    'recordCommand',
  ].map((name) => [name, LOCK_OPTIONS[name] as NonNullable<(typeof LOCK_OPTIONS)[string]>]),
);

/** This process is the only instance and has the `guard`, or another one is `running`. */
export type Singleton =
  | { readonly guard: Guard; readonly running?: undefined }
  | { readonly running: HolderInfo; readonly guard?: undefined };

/**
 * Makes this process the only instance of something: it holds the lock until it releases the guard or ends. If another
 * instance runs, returns it with the `info` that it gave (a URL, a port, a log). What is returned has been vouched for: by
 * the kernel, by the server's session or lease, or by a renewal of its lease that was seen in this call. Instances that
 * were killed are not returned.
 *
 * Waits only while that cannot be known yet: for the rest of the lease of a killed instance, or for the next renewal (a
 * third of the lease) of one on another host.
 *
 * @throws LockError HOLDFAST_TIMEOUT when it cannot be known within `timeoutMs`; HOLDFAST_UNSUPPORTED over git, whose holds
 *   outlive their process, and for `info` where the lock is no file of ours; what `tryAcquire` throws.
 * @example
 * const { running } = await singleton('.dev-server.lock', { info: { url: 'http://localhost:5173' } });
 * if (running) console.log(`It runs already (pid ${running.pid}).`);
 */
export async function singleton(lock: string | Lock, options: SingletonOptions = {}): Promise<Singleton> {
  checkOptions(options, SINGLETON_OPTIONS);
  const target = targetOf(lock);
  assertEndsWithProcess(target.namespace.backend.capabilities.orphan, target.address);
  const { timeout, signal, mode, permits } = mergeOptions(optionsOf(lock), options, target.namespace.leases);
  if (mode === 'shared' || permits !== undefined)
    throw new TypeError('A single instance holds its lock alone: leave mode and permits out of the lock.');
  const deadline = systemClock.now() + timeout.ms;
  const witness = new Witness();
  for (let attempt = 1; ; attempt++) {
    const guard = await tryAcquire(lock, options);
    if (guard !== undefined) return { guard: await published(lock, guard, options.info !== undefined) };
    const { holders } = await inspect(lock);
    const running = holders.find((holder) => witness.vouchesFor(holder));
    if (running !== undefined) return { running };
    const leftMs = deadline - systemClock.now();
    if (timeout.ms === 0) throw contendedError(target.address, holders, timeout);
    if (leftMs <= 0) throw await timeoutOf(target, timeout, { known: holders });
    await pause(systemClock, Math.min(leftMs, backoffDelayMs(attempt)), signal).catch((cause: unknown) => {
      throw canceledError(target.address, cause);
    });
  }
}

function assertEndsWithProcess(orphan: string, address: string): void {
  if (orphan !== 'stays') return;
  throw new LockError(
    `Could not run a single instance under "${address}": its holds outlive a process that is killed. Use a path, lease:PATH or the address of a server.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: address },
  );
}

/** Looks that must show a holder without a name before it counts. */
const ANONYMOUS_LOOKS = 3;

/** What a call has seen of the holders that it met. */
class Witness {
  readonly #unchangedMs = new Map<string, number>();
  #anonymous = 0;

  /** The hold stands now, and its process was not seen to be dead. */
  vouchesFor({ isAlive, holderId, unchangedMs, pid }: HolderInfo): boolean {
    if (isAlive === false) return false;
    if (unchangedMs !== undefined && isAlive !== true) return this.#sawRenewal(holderId ?? '', unchangedMs);
    // A hold is shown a moment before its record is there, and by a server for a moment after its process died.
    // Programs that leave no record are shown without one, again and again.
    if (holderId === undefined || pid === undefined) return ++this.#anonymous >= ANONYMOUS_LOOKS;
    return true;
  }

  /** Of a lease that no server and no kernel ends: only a change of its state proves that its holder lives. */
  #sawRenewal(holderId: string, unchangedMs: number): boolean {
    const before = this.#unchangedMs.get(holderId);
    this.#unchangedMs.set(holderId, unchangedMs);
    return before !== undefined && unchangedMs < before;
  }
}

/** `guard`, once it is sure that others can read the info. */
async function published(lock: string | Lock, guard: Guard, hasInfo: boolean): Promise<Guard> {
  if (!hasInfo) return guard;
  const found: Inspection = await inspect(lock);
  if (found.backend !== 'flock' || found.holders.some(({ holderId }) => holderId === guard.holderId))
    return guard;
  await guard.release();
  throw new LockError(
    `Could not publish the info of "${guard.address}": the lock is not a file of ours that this process may write. Lock a file of its own, or leave info out.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: guard.address },
  );
}
