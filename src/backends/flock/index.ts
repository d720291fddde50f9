export { createFlockBackend, type FlockGrant } from './backend.js';
export { FLOCK_CAPABILITIES, NAMED_FILE, PRIVATE_FILE, type FlockConfig } from './config.js';
