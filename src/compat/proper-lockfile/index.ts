export { check, checkSync, lock, lockSync, unlock, unlockSync } from './lock.js';
export type { CheckOptions, LockOptions, RetryOptions, UnlockOptions } from './options.js';
export type { CompatCode, CompatError } from './errors.js';
