import { resolve } from 'node:path';

import type { Backend } from '../core/backend.js';
import type { Address } from '../core/address.js';
import { Namespace } from '../core/namespace.js';
import { FlockBackend, NAMED_FILE, PRIVATE_FILE } from '../backends/flock/index.js';
import { GIT_CAPABILITIES } from '../backends/git/config.js';
import { NAMED_DIRECTORY, PRIVATE_DIRECTORY } from '../backends/lease/config.js';
import { createMemoryBackend } from '../backends/memory/index.js';
import { systemClock } from '../platform/clock.js';
import { announcer } from './announcing.js';
import { startTracing } from './tracing.js';
import {
  clientNamespace,
  engineNamespace,
  isEngine,
  type EngineScheme,
  type EngineClient,
} from './engines.js';
import { besideSideFolder } from '../files/side-folder.js';
import { assertFit, assertNoLease, chooseForPath } from './file-choice.js';
import { lazyBackend } from './lazy-backend.js';
import { leaseKeeper, leaseNamespace } from './leases.js';

/** One namespace per backend and thread, made at its first use. */
const namespaces = new Map<string, Namespace>();

function kept(key: string, create: () => Namespace): Namespace {
  let found = namespaces.get(key);
  if (found === undefined) {
    found = create();
    startTracing();
    // What another process cannot reach is none of its business.
    if (found.backend.capabilities.reach !== 'process') found.announcer = announcer;
    namespaces.set(key, found);
  }
  return found;
}

function plain(key: string, create: () => Backend): Namespace {
  return kept(key, () => new Namespace(create(), systemClock));
}

/** Kernel locks on files, whatever their file system. */
export function fileNamespace(): Namespace {
  return plain(
    'flock',
    () => new FlockBackend({ ...NAMED_FILE, assertLockableDirectory: assertNoLease }, systemClock),
  );
}

/** For locks on paths that users name. */
export function pathNamespace(scheme: 'path' | 'flock' | 'lease', path: string): Namespace {
  const backend = scheme === 'path' ? chooseForPath(path).backend : scheme;
  if (backend === 'lease') {
    assertFit(path);
    return kept('lease', () => leaseNamespace(NAMED_DIRECTORY));
  }
  return fileNamespace();
}

/** For the locks that we place beside data files. */
export function dataLockNamespace(path: string): Namespace {
  // By the place: what is in the side folder is looked at only with care.
  const beside = besideSideFolder(path);
  if (chooseForPath(beside).backend === 'lease') {
    assertFit(beside);
    return kept('lease-private', () => leaseNamespace(PRIVATE_DIRECTORY));
  }
  return plain(
    'flock-private',
    () => new FlockBackend({ ...PRIVATE_FILE, assertLockableDirectory: assertNoLease }, systemClock),
  );
}

/** The only place where an address becomes a backend. */
export function namespaceOf(address: Address): Namespace {
  if (isEngine(address.scheme)) return engineNamespaceOf(address.scheme, address.target);
  switch (address.scheme) {
    case 'path':
    case 'flock':
    case 'lease':
      return pathNamespace(address.scheme, resolve(address.target));
    case 'git':
      return plain('git', () =>
        lazyBackend({ name: 'git', capabilities: GIT_CAPABILITIES, hasQueue: false, load: openGit }),
      );
    case 'memory':
      return plain('memory', createMemoryBackend);
  }
}

async function openGit(): Promise<Backend> {
  const [{ createGitBackend }, { gitHost }] = await Promise.all([
    import('../backends/git/index.js'),
    import('./git-host.js'),
  ]);
  return createGitBackend(gitHost(fileNamespace()));
}

/** One per server: locks of one server share its connection. */
function engineNamespaceOf(scheme: EngineScheme, target: string): Namespace {
  return kept(`${scheme}:${target}`, () => engineNamespace(scheme, target, leaseKeeper));
}

const borrowed = new WeakMap<object, Namespace>();

/** One per client that a caller brought: its locks queue in one place, whatever their addresses say of the server. */
export function clientNamespaceOf({ scheme, display, name }: Address, client: EngineClient): Namespace {
  let found = borrowed.get(client);
  if (found === undefined) {
    found = clientNamespace(scheme, client, display.slice(0, -name.length - 1), leaseKeeper);
    startTracing();
    found.announcer = announcer;
    borrowed.set(client, found);
  }
  return found;
}
