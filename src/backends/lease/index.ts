export { LeaseBackend } from './backend.js';
export { LEASE_CAPABILITIES, NAMED_DIRECTORY, PRIVATE_DIRECTORY, type LeaseConfig } from './config.js';
export { isLeaseListing } from './listing.js';
