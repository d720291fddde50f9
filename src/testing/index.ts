import type { Backend } from '../core/backend.js';
import { acquire, tryAcquire } from '../core/acquisition.js';
import { Namespace, type LeaseKeeper } from '../core/namespace.js';
import { resolveOptions, type LockOptions } from '../core/options.js';
import { systemClock } from '../platform/clock.js';
import { deathCases } from './cases/death.js';
import { exclusionCases } from './cases/exclusion.js';
import { fencingCases } from './cases/fencing.js';
import { inspectionCases } from './cases/inspection.js';
import { lossCases } from './cases/loss.js';
import { nameCases } from './cases/names.js';
import { permitCases } from './cases/permits.js';
import { releaseCases } from './cases/release.js';
import { sharingCases } from './cases/sharing.js';
import { waitingCases } from './cases/waiting.js';
import type { Client, ConformanceCase, Subject } from './subject.js';

export {
  startBucketStore,
  type BucketFault,
  type BucketRequest,
  type BucketStore,
  type BucketStoreOptions,
} from './bucket-store.js';
export { BUCKET_STORE_MODES, type BucketStoreMode, type BucketStoreTraits } from './bucket-store-modes.js';
export { timing } from './check.js';
export { fakeTime, type FakeTime } from './fake-time.js';
export { overlapsOf, type HoldInterval } from './intervals.js';
export { startContender, type Contender } from './contenders.js';
export type { ContenderLine, ContenderOrder } from './contender.js';
export type { Client, ConformanceCase, Subject } from './subject.js';
export type {
  AcquireRequest,
  Attempt,
  Backend,
  Capabilities,
  Contended,
  Grant,
  Granted,
  HolderInfo,
} from '../core/backend.js';
export type { Lease, Renewal, RenewalModule } from '../core/lease.js';
export { LockError } from '../core/errors.js';

/** The laws of a lock, as data. Run each one that applies to the subject; none may be skipped. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...exclusionCases,
  ...sharingCases,
  ...releaseCases,
  ...waitingCases,
  ...fencingCases,
  ...deathCases,
  ...lossCases,
  ...inspectionCases,
  ...nameCases,
  ...permitCases,
];

/** The cases that bind `subject`. Never throws. */
export function casesFor(subject: Subject): readonly ConformanceCase[] {
  return conformanceCases.filter((conformanceCase) => conformanceCase.appliesTo(subject));
}

/**
 * A program that uses `backend` through the real queue, deadline and guard of the core. Disposing of the client
 * disposes of the backend. Never throws.
 */
export function clientOf(backend: Backend, keeper?: LeaseKeeper): Client {
  const namespace = new Namespace(backend, systemClock, keeper);
  const targetOf = (resource: string) => ({ namespace, resource, address: `${backend.name}:${resource}` });
  const resolve = (options: LockOptions = {}) => resolveOptions(options, namespace.leases);
  const inspect = backend.inspect?.bind(backend);
  return {
    acquire: (resource, options) => acquire(targetOf(resource), resolve(options)),
    tryAcquire: (resource, options) => tryAcquire(targetOf(resource), resolve(options)),
    ...(inspect && { inspect }),
    dispose: async () => {
      await backend[Symbol.asyncDispose]();
    },
  };
}
