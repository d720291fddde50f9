import { createMemoryBackend, MEMORY_CAPABILITIES } from '../../../dist/backends/memory/index.js';
import { clientOf } from '../../../dist/testing/index.js';

let count = 0;

export const subject = {
  name: 'memory',
  capabilities: MEMORY_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () => Promise.resolve(clientOf(createMemoryBackend())),
  newResource: () => `resource-${++count}`,
};
