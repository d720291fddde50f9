import type { Backend } from '../core/backend.js';
import type { Address } from '../core/address.js';
import { LockError } from '../core/errors.js';
import { LockSpace, type LeaseKeeper } from '../core/lock-space.js';
import { FlockBackend, NAMED_FILE, PRIVATE_FILE } from '../backends/flock/index.js';
import { createMemoryBackend } from '../backends/memory/index.js';
import { systemClock } from '../host/clock.js';
import { leaseClock } from '../host/lease-clock.js';
import { createKeeper } from '../keeper/index.js';
import { engineSpace, isEngine, type EngineScheme } from './engine-spaces.js';

/** One space per backend and thread; made when first asked for, kept for good. */
const spaces = new Map<string, LockSpace>();

function space(key: string, create: () => Backend): LockSpace {
  let found = spaces.get(key);
  if (found === undefined) {
    found = new LockSpace(create(), systemClock);
    spaces.set(key, found);
  }
  return found;
}

let keeper: LeaseKeeper | undefined;

/** One for all leases of this thread. */
export function leaseKeeper(): LeaseKeeper {
  return (keeper ??= createKeeper(systemClock, leaseClock));
}

/** Kernel locks on files that users name. */
export function namedFileSpace(): LockSpace {
  return space('flock', () => new FlockBackend(NAMED_FILE, systemClock));
}

/** Kernel locks on the lock files that we place beside data files. */
export function privateFileSpace(): LockSpace {
  return space('flock-private', () => new FlockBackend(PRIVATE_FILE, systemClock));
}

/** The only place where an address becomes a backend. */
export function spaceOf(address: Address): LockSpace {
  if (isEngine(address.scheme)) return engineSpaceOf(address.scheme, address.target);
  switch (address.scheme) {
    case 'path':
    case 'flock':
      return namedFileSpace();
    case 'memory':
      return space('memory', createMemoryBackend);
    default:
      throw new LockError(
        `Could not lock "${address.display}": the ${address.scheme} backend is not part of this version. Use a path or memory:#NAME.`,
        { code: 'HOLDFAST_UNSUPPORTED', resource: address.display },
      );
  }
}

/** One per server: locks of one server share its connection. */
function engineSpaceOf(scheme: EngineScheme, target: string): LockSpace {
  const key = `${scheme}:${target}`;
  let found = spaces.get(key);
  if (found === undefined) {
    found = engineSpace(scheme, target, leaseKeeper());
    spaces.set(key, found);
  }
  return found;
}
