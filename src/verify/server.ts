import { inspect, weaknesses } from '../locks/inspect.js';

/** Whether the locks of a server exclude each other, as far as its version and settings show. */
export interface ServerVerification {
  readonly address: string;
  readonly backend: string;
  readonly isSafe: boolean;
  /** Faults of the version that runs there, in sentences. */
  readonly weaknesses: readonly string[];
}

/** The name under which the server is asked; nothing is locked. */
const PROBE = 'holdfast-verify';

/**
 * @param server an address without the name of a lock.
 * @throws LockError when it does not answer, or when its settings are unfit for locks.
 */
export async function verifyServer(server: string): Promise<ServerVerification> {
  const lock = `${server}#${PROBE}`;
  const { address, backend } = await inspect(lock);
  const found = await weaknesses(lock);
  return {
    address: address.slice(0, -PROBE.length - 1),
    backend,
    isSafe: found.length === 0,
    weaknesses: found,
  };
}
