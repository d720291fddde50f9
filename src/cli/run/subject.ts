import { fstatSync } from 'node:fs';
import { resolve } from 'node:path';

import { parseAddress, type Address } from '../../core/address.js';
import { acquire } from '../../locks/acquire.js';
import { dataLockPath } from '../../locks/placement.js';
import { lockDescriptor } from '../../locks/lock-descriptor.js';
import { dataFileOf, lockFor } from '../../locks/lock.js';
import { UsageError } from '../usage-error.js';
import type { Given, Lockable } from './given.js';
import { usage, type Subject } from './request.js';

/** @throws UsageError for an address that cannot be read and a descriptor that was not inherited. */
export async function lockableOf(
  subject: Subject,
  { inherited, raw }: Given,
  wordsFromLock: number,
): Promise<Lockable> {
  if (subject.kind === 'descriptor') {
    const { descriptor } = subject;
    if (!isInherited(descriptor, inherited)) {
      throw usage(`${descriptor} is not a descriptor of the calling shell, and no COMMAND is given`);
    }
    const shown = `descriptor ${descriptor}`;
    return {
      shown,
      absolute: shown,
      acquire: (options) => lockDescriptor(descriptor, options),
    };
  }
  if (subject.kind === 'data') {
    const { name } = subject;
    const absolute = dataLockPath(resolve(orUsage(() => dataFileOf(name), 'run')), undefined);
    return { shown: name, absolute, acquire: (options) => acquire(lockFor(name, options)) };
  }
  const address = readAddress(subject.name, 'run');
  const bytes = raw?.at(-wordsFromLock);
  if (bytes !== undefined && !bytes.equals(Buffer.from(subject.name))) {
    const { unreadableName } = await import('./unreadable-name.js');
    return unreadableName(address, bytes);
  }
  return {
    shown: address.display,
    absolute: absoluteAddress(address),
    acquire: (options) => acquire(subject.name, options),
  };
}

/** @throws UsageError */
export function readAddress(text: string, command: string): Address {
  const address = orUsage(() => parseAddress(text), command);
  if (address.scheme !== 'memory') return address;
  throw new UsageError(
    `"${address.display}" is a lock between the callers of one process, and excludes no other command. Use a path`,
    command,
  );
}

function orUsage<T>(read: () => T, command: string): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\.$/, ''), command);
  }
}

function absoluteAddress({ scheme, target, display }: Address): string {
  if (scheme === 'path' || scheme === 'flock') return resolve(target);
  return scheme === 'lease' ? `lease:${resolve(target)}` : display;
}

/**
 * Descriptors beyond those that Node looks at on its start (`exec 200>file`) are not listed, and Node's own must
 * not be taken for a file of the user's: those are never files or directories this early.
 */
function isInherited(descriptor: number, inherited: readonly number[]): boolean {
  if (descriptor <= 2 || inherited.includes(descriptor)) return true;
  try {
    const stat = fstatSync(descriptor);
    return stat.isFile() || stat.isDirectory();
  } catch {
    return false;
  }
}
