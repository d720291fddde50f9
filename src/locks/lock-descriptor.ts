import { acquire } from '../core/acquisition.js';
import type { Guard } from '../core/guard.js';
import { Namespace } from '../core/namespace.js';
import { resolveOptions, type LockOptions } from '../core/options.js';
import { descriptorBackend, unlockDescriptor } from '../backends/flock/index.js';
import { systemClock } from '../platform/clock.js';

/**
 * Locks the file that is open at `descriptor`, for the process that it was inherited from. Nothing is released
 * when this process ends: the lock stays with the open file.
 *
 * @throws as `acquire`.
 */
export async function lockDescriptor(
  descriptor: number,
  options: LockOptions,
  address = `descriptor ${descriptor}`,
): Promise<Guard> {
  const namespace = new Namespace(descriptorBackend, systemClock);
  const target = { namespace, resource: String(descriptor), address };
  return acquire(target, resolveOptions(options, false));
}

export { unlockDescriptor };
