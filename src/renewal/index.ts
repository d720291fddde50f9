export { createKeeper, MAX_STALL_MS } from './keeper.js';
