export { FlockBackend } from './backend.js';
export { FLOCK_CAPABILITIES, NAMED_FILE, type FlockConfig } from './config.js';
export { descriptorBackend, unlockDescriptor } from './descriptor.js';
export { FlockGrant } from './grant.js';
export { flockObserver } from './observe.js';
export { PRIVATE_FILE } from './private-file.js';
export { carriesOurRecord, isBlankLockFile } from './record.js';
export { tryRemoveLockFile } from './remove.js';
