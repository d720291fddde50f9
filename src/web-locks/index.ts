export { LockManager, type LockManagerOptions } from './lock-manager.js';
export type { Lock, LockGrantedCallback, LockMode, LockOptions } from './request.js';
export type { LockInfo, LockManagerSnapshot } from './snapshot.js';
