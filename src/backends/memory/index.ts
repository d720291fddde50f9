export { createMemoryBackend } from './backend.js';
export { MEMORY_CAPABILITIES } from './config.js';
