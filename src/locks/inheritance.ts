import { acquire } from '../core/acquire.js';
import { HeldGuard, type Guard } from '../core/guard.js';
import { LockSpace } from '../core/lock-space.js';
import { resolveOptions, type LockOptions } from '../core/options.js';
import { descriptorBackend, FlockGrant } from '../backends/flock/index.js';
import { systemClock } from '../host/clock.js';

/**
 * The descriptor that carries a kernel lock, to be handed to `spawn` and to nothing else: a child that inherits
 * it keeps the lock when this process is killed. undefined for locks that no descriptor carries.
 */
export function inheritableDescriptor(guard: Guard): number | undefined {
  const grant = HeldGuard.grantOf(guard);
  return grant instanceof FlockGrant ? grant.descriptor : undefined;
}

/**
 * Locks the file that is open at `descriptor`, for the process that it was inherited from. Nothing is released
 * when this process ends: the lock stays with the open file.
 *
 * @throws as `acquire`.
 */
export async function lockDescriptor(descriptor: number, options: LockOptions): Promise<Guard> {
  const space = new LockSpace(descriptorBackend, systemClock);
  const target = { space, resource: String(descriptor), address: `descriptor ${descriptor}` };
  return acquire(target, resolveOptions(options, false));
}
