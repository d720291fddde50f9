import { HeldGuard, type Guard } from '../core/guard.js';
import { FlockGrant } from '../backends/flock/index.js';

/**
 * The descriptor that carries a kernel lock, to be handed to `spawn` and to nothing else: a child that inherits
 * it keeps the lock when this process is killed. undefined for locks that no descriptor carries.
 */
export function inheritableDescriptor(guard: Guard): number | undefined {
  const grant = HeldGuard.grantOf(guard);
  return grant instanceof FlockGrant ? grant.descriptor : undefined;
}
