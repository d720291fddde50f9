import { unlink } from 'node:fs/promises';

import { FLOCK_CAPABILITIES, FlockBackend, NAMED_FILE } from '../../../dist/backends/flock/index.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { clientOf } from '../../../dist/testing/index.js';
import { linksTo, throughLinkedDirectory, throughMounts } from './aliases.mjs';
import { temporaryPaths } from './temporary.mjs';

export const subject = {
  name: 'flock',
  capabilities: FLOCK_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () => Promise.resolve(clientOf(new FlockBackend(NAMED_FILE, systemClock))),
  newResource: temporaryPaths(),
  aliasesOf: (resource) =>
    Promise.resolve([...linksTo(resource), throughLinkedDirectory(resource), ...throughMounts(resource)]),
  // The kernel cannot take a hold away; a file that loses its name can guard nothing any more.
  induceLoss: (resource) => unlink(resource),
};
