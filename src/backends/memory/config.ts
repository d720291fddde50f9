import type { Capabilities } from '../../core/backend.js';

export const MEMORY_CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared'],
  reach: 'process',
  orphan: 'released',
  fencing: true,
  permits: true,
  ticks: true,
};
