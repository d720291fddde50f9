// What the suite puts to the test. The processes that compete import this same module.
import { clientOf } from 'holdfast/testing';

import { CAPABILITIES, createSocketBackend } from './backend.mjs';

let count = 0;

/** @type {import('holdfast/testing').Subject} */
export const subject = {
  name: 'socket',
  capabilities: CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: async () => clientOf(createSocketBackend()),
  newResource: () => `${process.pid}-${++count}`,
};
