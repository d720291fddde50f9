import { resolve } from 'node:path';

import { workingDirectory } from '../platform/working-directory.js';
import type { Tether } from '../core/backend.js';
import type { Target, Namespace } from '../core/namespace.js';
import { parseAddress, type Address } from '../core/address.js';
import { HeldGuard, type Guard } from '../core/guard.js';
import { checkOptions, either, OBJECT, show, TEXT } from '../core/check-options.js';
import { LOCK_OPTIONS, type LockOptions } from '../core/options.js';
import { FlockGrant } from '../backends/flock/index.js';
import { dataLockPath } from './placement.js';
import { isEngine, type EngineClient } from './engines.js';
import { clientNamespaceOf, dataLockNamespace, namespaceOf } from './resolve.js';

/** An immutable description of a lock: what, and with which options. Making one does no I/O. */
export interface Lock {
  /** The address as given, without credentials. */
  readonly address: string;
  /** Options for every call that uses this lock. Those of the call win. */
  readonly options: LockOptions;
}

/** Options of locks that guard a data file. */
export interface DataLockOptions extends LockOptions {
  /**
   * Directory for the lock file, instead of `.holdfast/locks` beside the data. Made if missing. Default:
   * `.holdfast/locks` beside the data.
   */
  readonly lockDir?: string;
}

class DescribedLock implements Lock {
  readonly address: string;
  readonly options: LockOptions;
  readonly #resolve: () => Target;

  constructor(address: string, options: LockOptions, toTarget: () => Target) {
    this.address = address;
    this.options = options;
    this.#resolve = toTarget;
    Object.freeze(this);
  }

  /** @internal */
  static targetOf(lock: Lock): Target {
    if (typeof (lock as Partial<Lock> | null | undefined)?.address !== 'string') {
      throw new TypeError(`The lock must be a path, an address or a Lock, not ${show(lock)}.`);
    }
    // A look-alike, or a Lock of another copy of the package: its address and options say all.
    return #resolve in lock ? lock.#resolve() : targetOfAddress(parseAddress(lock.address));
  }
}

/** Options of locks that may be kept by an engine whose client the caller has already. */
export interface EngineLockOptions extends LockOptions {
  /**
   * Use this connected node-redis client, or `pg` pool, instead of connections of our own; the address then only names
   * the lock, and the server in messages. Of an `S3Client` the credentials, region and endpoint are used. It is left open. A lease that is renewed through it is renewed on the event
   * loop: a loop that is stuck for longer than the lease loses the lock.
   */
  readonly client?: EngineClient;
}

/** Of functions that take a lock of the caller's. */
export const LOCK = either(TEXT, OBJECT);

const ENGINE_LOCK_OPTIONS = { ...LOCK_OPTIONS, client: OBJECT };
/** Of functions that guard a data file. */
export const DATA_LOCK_OPTIONS = { ...LOCK_OPTIONS, lockDir: TEXT };

/**
 * Describes the lock at `address`, to be passed to `acquire` and its siblings again and again.
 *
 * @throws TypeError when the address cannot be read, or its engine works with no client of that kind.
 */
export function createLock(address: string, options: EngineLockOptions = {}): Lock {
  checkOptions(options, ENGINE_LOCK_OPTIONS);
  const parsed = parseAddress(address);
  const { client, ...lockOptions } = options;
  const resolveTarget = () => targetOfAddress(parsed, client && clientNamespaceOf(parsed, client));
  return new DescribedLock(parsed.display, lockOptions, resolveTarget);
}

/**
 * Describes the lock that guards the data file at `dataPath`: `<dir>/.holdfast/locks/<basename>.lock`, or a file
 * in `lockDir`. The data file itself is not touched and need not exist. Symbolic links are followed at each
 * acquire.
 *
 * @throws TypeError for a wrong option or a path that is empty.
 */
export function lockFor(dataPath: string, options: DataLockOptions = {}): Lock {
  if (typeof dataPath !== 'string')
    throw new TypeError(`The data file must be a path, not ${show(dataPath)}.`);
  checkOptions(options, DATA_LOCK_OPTIONS);
  const { lockDir, ...lockOptions } = options;
  const path = resolve(dataFileOf(dataPath));
  const directory = lockDir === undefined ? undefined : resolve(lockDir);
  return new DescribedLock(dataPath, lockOptions, () => {
    const resource = dataLockPath(path, directory);
    return { namespace: dataLockNamespace(resource), resource, address: dataPath };
  });
}

/**
 * Describes the lock at a path whose last component is a name of ours, so that another user may have put something
 * there: it is opened as what stands in a side folder is, and follows no link.
 */
export function ownLock(path: string): Lock {
  const resource = resolve(path);
  return new DescribedLock(path, {}, () => ({
    namespace: dataLockNamespace(resource),
    resource,
    address: path,
  }));
}

/**
 * The path of a data file, as callers write it.
 *
 * @throws TypeError for an address: the lock of a data file is found by the file's path.
 */
export function dataFileOf(text: string): string {
  const { scheme, target, display } = parseAddress(text);
  if (scheme === 'path') return target;
  throw new TypeError(
    `Could not use "${display}" as a data file: it is an address. Give the path of the file, or pass the address to withLock.`,
  );
}

/** Addresses are few and asked for often; reading one costs more than locking it. */
const TARGETS_KEPT = 512;
const targets = new Map<string, { readonly cwd: string | undefined; readonly target: Target }>();

export function targetOf(lock: string | Lock): Target {
  if (typeof lock !== 'string') return DescribedLock.targetOf(lock);
  const known = targets.get(lock);
  const cwd = workingDirectory();
  // A relative path names another file after chdir.
  if (known !== undefined && known.cwd === cwd) return known.target;
  const target = targetOfAddress(parseAddress(lock));
  if (targets.size >= TARGETS_KEPT) targets.clear();
  targets.set(lock, { cwd, target });
  return target;
}

export function optionsOf(lock: string | Lock): LockOptions | undefined {
  return typeof lock === 'string' ? undefined : lock.options;
}

function targetOfAddress(address: Address, namespace: Namespace = namespaceOf(address)): Target {
  const isPath = address.scheme === 'path' || address.scheme === 'flock' || address.scheme === 'lease';
  // The namespace of an engine is one server's, so the name is all there is; its address may hold a password.
  return {
    namespace,
    resource: isPath
      ? resolve(address.target)
      : isEngine(address.scheme)
        ? address.name
        : `${address.target}#${address.name}`,
    address: address.display,
  };
}

/**
 * The descriptor that carries a kernel lock, to be handed to `spawn` and to nothing else: a child that inherits
 * it keeps the lock when this process is killed. undefined for locks that no descriptor carries.
 */
export function inheritableDescriptor(guard: Guard): number | undefined {
  const grant = HeldGuard.grantOf(guard);
  return grant instanceof FlockGrant ? grant.descriptor : undefined;
}

/** Leaves a kernel lock to the children that inherited its descriptor; false for locks that no descriptor carries. */
export function abandonDescriptor(guard: Guard): boolean {
  const grant = HeldGuard.grantOf(guard);
  if (!(grant instanceof FlockGrant)) return false;
  grant.abandon();
  return true;
}

/** What a supervisor of the work must know of a hold that ends by itself, or with this process. */
export function tetherOf(guard: Guard): Tether | undefined {
  return HeldGuard.grantOf(guard)?.tether;
}
