// The Web Locks API, case by case: what the platform's own tests ask of a LockManager, told again. `file` is the name of the
// web-platform-test that has the case. Each runs against any object with `request` and `query`, such as navigator.locks.
import { ACQUIRE, BEYOND_NODE, HELD, IF_AVAILABLE, RESOURCE_NAMES } from './cases-of-requests.mjs';
import { MODE_EXCLUSIVE, MODE_MIXED, MODE_SHARED, QUERY, SIGNAL, STEAL } from './cases-of-order.mjs';

const FILES = {
  acquire: ACQUIRE,
  held: HELD,
  ifAvailable: IF_AVAILABLE,
  'mode-exclusive': MODE_EXCLUSIVE,
  'mode-mixed': MODE_MIXED,
  'mode-shared': MODE_SHARED,
  query: QUERY,
  'resource-names': RESOURCE_NAMES,
  signal: SIGNAL,
  steal: STEAL,
};

const casesIn = (file, laws) => Object.entries(laws).map(([law, run]) => ({ file, law, run }));

export const cases = Object.entries(FILES).flatMap(([file, laws]) => casesIn(file, laws));

/** What the specification asks for, and Node's own `navigator.locks` does not do. */
export const beyondNode = casesIn('acquire', BEYOND_NODE);
