export { acquire, tryAcquire, withLock, withReadLock, withWriteLock, type Work } from './locks/acquire.js';
export { createLock, lockFor, type DataLockOptions, type Lock } from './locks/lock.js';
export { cleanLockFiles, type CleanResult } from './locks/manage.js';
export { breakLock, type BreakOptions } from './locks/manage.js';
export { inspect, type Inspection } from './locks/inspect.js';
export { coverProcess } from './core/guard.js';
export { describeDeadlock, type DeadlockLink } from './core/deadlock.js';
export type { Guard } from './core/guard.js';
export type { HolderInfo, Mode } from './core/backend.js';
export {
  ERROR_CODES,
  isLockError,
  LockCanceledError,
  LockError,
  LockLostError,
  LockTimeoutError,
  type ErrorCode,
} from './core/errors.js';
export { type LossReason } from './core/lease.js';
export type { AcquireEvent, HoldEvent, RenewEvent, WaitEvent } from './core/events.js';
export {
  DEFAULT_LEASE_DURATION_MS,
  DEFAULT_TIMEOUT_MS,
  WAIT_PROGRESS_INTERVAL_MS,
  type LockOptions,
} from './core/options.js';
export { formatDuration, parseDuration } from './core/duration.js';
export { acquireSync, withLockSync } from './locks/acquire-sync.js';
export { explain } from './locks/inspect.js';
export type { ChainLock, WaitChain } from './platform/wait-graph.js';
export { lockAll, type GuardSet, type LockAllItem } from './locks/lock-all.js';
export { once, type OnceResult } from './locks/once.js';
export { singleton, type Singleton, type SingletonOptions } from './locks/singleton.js';
export { oncePerTick, type TickResult } from './locks/once-per-tick.js';
export { cronCoordinator, type CronCoordinator } from './locks/cron-coordinator.js';
