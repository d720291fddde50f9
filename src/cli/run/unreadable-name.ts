import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';

import type { Address } from '../../core/address.js';
import type { Guard } from '../../core/guard.js';
import type { LockOptions } from '../../core/options.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { lockDescriptor, unlockDescriptor } from '../../locks/lock-descriptor.js';
import { usage } from './request.js';
import type { Lockable } from './given.js';

const PREFIX = Buffer.from('flock:');

/**
 * A LOCK whose name is no text, only bytes. The very file is locked, as by flock(1), through a descriptor: no record is
 * written, and writers do not get in before readers.
 *
 * @throws UsageError for an address that is not a path: names of servers are texts.
 */
export function unreadableName({ scheme, display }: Address, bytes: Buffer): Lockable {
  if (scheme !== 'path' && scheme !== 'flock')
    throw usage(`"${display}" is not UTF-8; only a path may be that`);
  const isPrefixed = scheme === 'flock' && bytes.subarray(0, PREFIX.length).equals(PREFIX);
  const path = isPrefixed ? bytes.subarray(PREFIX.length) : bytes;
  let held: number | undefined;
  const acquire = async (options: LockOptions): Promise<Guard> => {
    for (;;) {
      const descriptor = openOrFail(path, display);
      let isHeld = false;
      try {
        const guard = await lockDescriptor(descriptor, options, display);
        isHeld = isStillNamed(descriptor, path);
        // Unlinked or replaced while this process waited: the next one opens another file.
        if (!isHeld) continue;
        held = descriptor;
        return guard;
      } finally {
        if (!isHeld) closeSync(descriptor);
      }
    }
  };
  return {
    shown: display,
    absolute: display,
    acquire,
    descriptor: () => held,
    onReleased: () => {
      if (held !== undefined) unlockDescriptor(held);
    },
  };
}

function openOrFail(path: Buffer, display: string): number {
  const { O_RDONLY, O_CREAT, O_NOCTTY } = constants;
  try {
    return openSync(
      path,
      statSync(path, { throwIfNoEntry: false })?.isDirectory() ? O_RDONLY : O_RDONLY | O_CREAT | O_NOCTTY,
      0o666,
    );
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('lock', display, errno, error);
  }
}

function isStillNamed(descriptor: number, path: Buffer): boolean {
  const locked = fstatSync(descriptor);
  const named = statSync(path, { throwIfNoEntry: false });
  return named !== undefined && named.dev === locked.dev && named.ino === locked.ino;
}
