import { check, checkSync, lock, lockSync, unlock, unlockSync } from './lock.js';

export { check, checkSync, lock, lockSync, unlock, unlockSync };
export type { CheckOptions, FsLike, LockOptions, RetryOptions, UnlockOptions } from './options.js';
export type { CompatCode, CompatError } from './errors.js';

/** What proper-lockfile exports: a function that locks, with the others as its properties. */
const lockfile = Object.assign(lock, { lock, lockSync, unlock, unlockSync, check, checkSync });

// `import lockfile from` and `require()(file)` work as with proper-lockfile; 'module.exports' is what require() returns.
// oxlint-disable-next-line import/no-default-export -- the module that this one stands in for has one
export { lockfile as default, lockfile as 'module.exports' };
