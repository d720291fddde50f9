import { resolve } from 'node:path';

import type { Backend } from '../core/backend.js';
import type { Address } from '../core/address.js';
import { LockError } from '../core/errors.js';
import { LockSpace, type LeaseKeeper } from '../core/lock-space.js';
import { FlockBackend, NAMED_FILE, PRIVATE_FILE } from '../backends/flock/index.js';
import { GIT_CAPABILITIES } from '../backends/git/config.js';
import { LEASE_CAPABILITIES } from '../backends/lease/config.js';
import { createMemoryBackend } from '../backends/memory/index.js';
import { systemClock } from '../host/clock.js';
import { leaseClock } from '../host/lease-clock.js';
import { engineSpace, isEngine, type EngineScheme } from './engine-spaces.js';
import { lazyBackend } from './lazy-backend.js';
import { assertNoLease, chooseForPath } from './file-choice.js';

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

/** One for all leases of this thread; loaded with the first of them, because kernel locks need none. */
export function leaseKeeper(): LeaseKeeper {
  let loading: Promise<LeaseKeeper> | undefined;
  keeper ??= {
    async arm(grant, hold) {
      loading ??= import('../keeper/index.js').then(({ createKeeper }) =>
        createKeeper(systemClock, leaseClock),
      );
      return (await loading).arm(grant, hold);
    },
  };
  return keeper;
}

/** Kernel locks on files, whatever their file system. */
export function namedFileSpace(): LockSpace {
  return space('flock', () => new FlockBackend(NAMED_FILE, systemClock));
}

/** For locks on paths that users name. */
export function namedPathSpace(scheme: 'path' | 'flock' | 'lease', path: string): LockSpace {
  const backend = scheme === 'path' ? chooseForPath(path).backend : scheme;
  if (backend === 'lease') {
    return leaseSpace('lease', 'NAMED_DIRECTORY');
  }
  assertNoLease(path);
  return namedFileSpace();
}

/** For the locks that we place beside data files. */
export function privatePathSpace(path: string): LockSpace {
  if (chooseForPath(path).backend === 'lease') {
    return leaseSpace('lease-private', 'PRIVATE_DIRECTORY');
  }
  assertNoLease(path);
  return space('flock-private', () => new FlockBackend(PRIVATE_FILE, systemClock));
}

function leaseSpace(key: string, config: 'NAMED_DIRECTORY' | 'PRIVATE_DIRECTORY'): LockSpace {
  let found = spaces.get(key);
  if (found === undefined) {
    const open = async (): Promise<Backend> => {
      const lease = await import('../backends/lease/index.js');
      return new lease.LeaseBackend(lease[config], systemClock, leaseClock);
    };
    const backend = lazyBackend({
      name: 'lease',
      capabilities: LEASE_CAPABILITIES,
      hasQueue: false,
      load: open,
    });
    found = new LockSpace(backend, systemClock, leaseKeeper());
    spaces.set(key, found);
  }
  return found;
}

/** The only place where an address becomes a backend. */
export function spaceOf(address: Address): LockSpace {
  if (isEngine(address.scheme)) return engineSpaceOf(address.scheme, address.target);
  switch (address.scheme) {
    case 'path':
    case 'flock':
    case 'lease':
      return namedPathSpace(address.scheme, resolve(address.target));
    case 'git':
      return space('git', () =>
        lazyBackend({ name: 'git', capabilities: GIT_CAPABILITIES, hasQueue: false, load: openGit }),
      );
    case 'memory':
      return space('memory', createMemoryBackend);
    default:
      throw new LockError(
        `Could not lock "${address.display}": the ${address.scheme} backend is not part of this version. Use a path or memory:#NAME.`,
        { code: 'HOLDFAST_UNSUPPORTED', resource: address.display },
      );
  }
}

async function openGit(): Promise<Backend> {
  const [{ createGitBackend }, { gitHost }] = await Promise.all([
    import('../backends/git/index.js'),
    import('./git-host.js'),
  ]);
  return createGitBackend(gitHost(namedFileSpace()));
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
