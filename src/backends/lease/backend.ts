import { lstat } from 'node:fs/promises';

import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';
import type { LeaseClock } from '../../core/lease.js';
import { errnoOf } from '../../core/system-error.js';
import { ownPartOf } from '../../files/side-folder.js';
import { assertOwnDirectory } from '../../files/trusted-directory.js';
import { processStartTime } from '../../platform/identity.js';
import { tokenAfter } from '../../core/token.js';
import { distUrl } from '../../platform/package-files.js';
import { follow } from '../register/effects.js';
import {
  decodeLeaseRecord,
  encodeLeaseRecord,
  isHoldAlive,
  newLeaseRecord,
  type LeaseRecord,
} from '../register/record.js';
import { Sightings } from '../register/sightings.js';
import { stateFileOf } from './state-file.js';
import { beginBreak, stepBreak } from './break-steps.js';
import { beginClaim, stepClaim, type ClaimResult } from './claim-steps.js';
import { LEASE_CAPABILITIES, type LeaseConfig } from './config.js';
import { Yielding } from './yielding.js';
import { createLeaseDirectory, openDirectory, type RecordDirectory } from './directory.js';
import type { Effect, Outcome } from './effects.js';
import { callFailed, notADirectory, notALease, recordLost, unconfirmed, unreadableState } from './errors.js';
import { beginRelease, stepHold } from './hold-steps.js';
import { inspectLease } from './inspect.js';
import { parseState, recordName } from './names.js';
import { perform } from './perform.js';
import type { LeaseRenewalState } from './renewal.js';
import { claimTick, lastTick } from './tick.js';

/** A release or a death can come at any time, and a listing is cheap; the spread keeps contenders apart. */
const POLL_MS = { least: 150, spread: 150 };
const RACE_MS = { least: 5, spread: 40 };
/** By then every waiter has looked once. */
const YIELD_MS = POLL_MS.least + POLL_MS.spread + 100;
/** A directory that vanishes as soon as it is made is a clean-up, not a race. */
const BIRTHS = 3;

/** One attempt's surroundings. */
interface Attempting {
  readonly request: AcquireRequest;
  readonly directory: RecordDirectory;
  readonly record: LeaseRecord;
}

/** A directory whose one empty file's name is the state, changed by rename. See PROTOCOL.md in this folder. */
export class LeaseBackend implements Backend {
  readonly name = 'lease';
  readonly capabilities = LEASE_CAPABILITIES;
  readonly #config: LeaseConfig;
  readonly #clock: Clock;
  readonly #leaseClock: LeaseClock;
  readonly #sightings: Sightings;
  readonly #yielding = new Yielding();

  constructor(
    config: LeaseConfig,
    clock: Clock,
    leaseClock: LeaseClock,
    sightings: Sightings = new Sightings(leaseClock, stateFileOf),
  ) {
    this.#config = config;
    this.#clock = clock;
    this.#leaseClock = leaseClock;
    this.#sightings = sightings;
  }

  async tryAcquire(request: AcquireRequest): Promise<Attempt> {
    const { resource } = request;
    await this.#assertTrusted(resource);
    if (request.isYielding && (await this.#yielding.mustYield(resource))) {
      return { kind: 'contended', retryAfterMs: YIELD_MS };
    }
    const attempting = {
      request,
      directory: openDirectory(resource, this.#config.isPrivate),
      record: newLeaseRecord(request, this.#clock.wallNow()),
    };
    for (let births = 0; ; births++) {
      const result = await this.#claim(attempting);
      const isUnborn = result.kind === 'failed' && errnoOf(result.error) === 'ENOENT';
      if (!isUnborn || births === BIRTHS) return this.#attemptOf(attempting, result);
      await this.#giveBirth(resource);
    }
  }

  async inspect(resource: string): Promise<readonly HolderInfo[]> {
    await this.#assertTrusted(resource);
    return inspectLease(resource, this.#sightings, this.#leaseClock);
  }

  async lastTick(resource: string): Promise<number | undefined> {
    await this.#assertTrusted(resource);
    return lastTick(resource);
  }

  claimTick({ resource }: { readonly resource: string }, tick: number): Promise<number | undefined> {
    return claimTick(resource, tick);
  }

  async forceRelease(
    resource: string,
    holderId: string,
    options?: { readonly isImmediate?: boolean },
  ): Promise<boolean> {
    await this.#assertTrusted(resource);
    const directory = openDirectory(resource);
    const act = (effect: Effect): Promise<Outcome> =>
      perform(directory, effect as Parameters<typeof perform>[1]);
    const result = await follow(beginBreak(holderId, options?.isImmediate === true), stepBreak, act);
    if (result.kind === 'failed') throw callFailed('break', resource, result.error);
    return result.kind === 'broken';
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** A directory that the user named may be a link, and whose it is, is the user's business. */
  async #assertTrusted(resource: string): Promise<void> {
    if (this.#config.isPrivate) await assertOwnDirectory(resource, ownPartOf(resource));
  }

  #claim({ request, directory, record }: Attempting): Promise<ClaimResult> {
    const { resource, holderId } = request;
    const act = async (effect: Effect): Promise<Outcome> => {
      switch (effect.kind) {
        case 'sight':
          return { kind: 'sighted', since: await this.#sightings.since(resource, effect.name, effect.at) };
        case 'examine':
          return { kind: 'examined', isDead: await isProvenDead(directory, effect.holderId) };
        case 'write-record':
          return directory.writeRecord(recordName(holderId), encodeLeaseRecord(record)).then(
            () => ({ kind: 'done' }),
            (error: unknown) => ({ kind: 'failed', error }),
          );
        default:
          return perform(directory, effect);
      }
    };
    const leaseMs = Math.round(request.leaseDurationMs);
    return follow(
      beginClaim(holderId, leaseMs, this.#clock.wallNow()),
      (state, outcome) => stepClaim(state, outcome, this.#leaseClock.now()),
      act,
    );
  }

  async #giveBirth(resource: string): Promise<void> {
    const generation = Number(tokenAfter(0n, this.#clock.wallNow()));
    try {
      await createLeaseDirectory(resource, generation, this.#config.isPrivate);
    } catch (error) {
      throw callFailed('lock', resource, error);
    }
  }

  async #attemptOf(attempting: Attempting, result: ClaimResult): Promise<Attempt> {
    const { resource, holderId, isWaiting } = attempting.request;
    switch (result.kind) {
      case 'granted':
        await this.#sightings.forget(resource);
        await this.#yielding.settle(resource);
        return { kind: 'granted', grant: this.#grant(attempting, result) };
      case 'contended': {
        if (isWaiting === true) await this.#yielding.ask(resource);
        const pause = result.remainingMs > 0 ? POLL_MS : RACE_MS;
        const pollMs = pause.least + Math.random() * pause.spread;
        return { kind: 'contended', retryAfterMs: Math.min(pollMs, result.remainingMs || pollMs) };
      }
      case 'absent':
        throw result.hasRecords ? recordLost(resource) : notALease(resource);
      case 'unreadable':
        throw unreadableState(resource, result.name);
      case 'unconfirmed':
        throw unconfirmed(resource, holderId, result.error);
      case 'failed':
        throw (await isFile(resource)) ? notADirectory(resource) : callFailed('lock', resource, result.error);
    }
  }

  #grant(
    { request, directory, record }: Attempting,
    claim: Extract<ClaimResult, { kind: 'granted' }>,
  ): Grant {
    const durationMs = Math.round(request.leaseDurationMs);
    const deadline = claim.sentAt + durationMs;
    const state: LeaseRenewalState = { path: request.resource, name: claim.name };
    let written = record;
    return {
      fencingToken: BigInt(claim.generation),
      lease: { durationMs, deadline, renewal: { module: distUrl('backends/lease/renewal.js'), state } },
      check: (marginMs) => (this.#leaseClock.now() + marginMs >= deadline ? 'expired' : undefined),
      onLost: () => undefined,
      release: () => releaseClaim(directory, request.resource, claim.name),
      coverProcess: async (pid) => {
        const child = { pid, startTime: processStartTime(pid) };
        written = { ...written, isChildExpected: false, children: [...written.children, child] };
        await directory.writeRecord(recordName(request.holderId), encodeLeaseRecord(written));
      },
    };
  }
}

/**
 * Ends a hold that was never given out, or whose renewal is gone: asynchronously, because an event loop must not wait for a
 * file server, and also past its deadline, because no caller believed in it.
 */
async function releaseClaim(directory: RecordDirectory, path: string, name: string): Promise<void> {
  const base = parseState(name);
  if (base?.kind !== 'held') throw new TypeError(`not the name of a hold: ${name}`);
  const act = (effect: Effect): Promise<Outcome> =>
    perform(directory, effect as Parameters<typeof perform>[1]);
  const result = await follow(beginRelease(base), stepHold, act);
  if (result.kind === 'stuck') throw callFailed('release', path, result.error);
}

async function isProvenDead(directory: RecordDirectory, holderId: string): Promise<boolean> {
  const read = await directory.readRecord(recordName(holderId));
  // A record of another user would end a hold at once by naming a process that is gone.
  if (read?.isTrusted !== true) return false;
  const record = decodeLeaseRecord(read.text);
  return record !== undefined && isHoldAlive(record) === false;
}

async function isFile(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isFile() === true;
}
