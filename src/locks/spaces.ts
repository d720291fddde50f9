import { resolve } from 'node:path';

import type { Backend } from '../core/backend.js';
import type { Address } from '../core/address.js';
import { LockSpace } from '../core/lock-space.js';
import { FlockBackend, NAMED_FILE, PRIVATE_FILE } from '../backends/flock/index.js';
import { GIT_CAPABILITIES } from '../backends/git/config.js';
import { NAMED_DIRECTORY, PRIVATE_DIRECTORY } from '../backends/lease/config.js';
import { createMemoryBackend } from '../backends/memory/index.js';
import { systemClock } from '../platform/clock.js';
import {
  borrowedSpace,
  engineSpace,
  isEngine,
  type EngineScheme,
  type PgPool,
  type RedisClient,
} from './engine-spaces.js';
import { assertFit, assertNoLease, chooseForPath } from './file-choice.js';
import { lazyBackend } from './lazy-backend.js';
import { leaseKeeper, leaseSpace } from './lease-space.js';

/** One space per backend and thread; made when first asked for, kept for good. */
const spaces = new Map<string, LockSpace>();

function kept(key: string, create: () => LockSpace): LockSpace {
  let found = spaces.get(key);
  if (found === undefined) {
    found = create();
    spaces.set(key, found);
  }
  return found;
}

function space(key: string, create: () => Backend): LockSpace {
  return kept(key, () => new LockSpace(create(), systemClock));
}

/** Kernel locks on files, whatever their file system. */
export function namedFileSpace(): LockSpace {
  return space(
    'flock',
    () => new FlockBackend({ ...NAMED_FILE, assertLockableDirectory: assertNoLease }, systemClock),
  );
}

/** For locks on paths that users name. */
export function namedPathSpace(scheme: 'path' | 'flock' | 'lease', path: string): LockSpace {
  const backend = scheme === 'path' ? chooseForPath(path).backend : scheme;
  if (backend === 'lease') {
    assertFit(path);
    return kept('lease', () => leaseSpace(NAMED_DIRECTORY));
  }
  return namedFileSpace();
}

/** For the locks that we place beside data files. */
export function privatePathSpace(path: string): LockSpace {
  if (chooseForPath(path).backend === 'lease') {
    assertFit(path);
    return kept('lease-private', () => leaseSpace(PRIVATE_DIRECTORY));
  }
  return space(
    'flock-private',
    () => new FlockBackend({ ...PRIVATE_FILE, assertLockableDirectory: assertNoLease }, systemClock),
  );
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
  return kept(`${scheme}:${target}`, () => engineSpace(scheme, target, leaseKeeper));
}

const borrowed = new WeakMap<object, LockSpace>();

/** One per client that a caller brought: its locks queue in one place, whatever their addresses say of the server. */
export function clientSpaceOf({ scheme, display, name }: Address, client: RedisClient | PgPool): LockSpace {
  let found = borrowed.get(client);
  if (found === undefined) {
    found = borrowedSpace(scheme, client, display.slice(0, -name.length - 1), leaseKeeper);
    borrowed.set(client, found);
  }
  return found;
}
