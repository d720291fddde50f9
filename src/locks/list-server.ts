import { parseAddress } from '../core/address.js';
import { spaceOf } from './spaces.js';

const SERVER = /^(?:rediss?|etcds?|postgres(?:ql)?):\/\/[^#]+$/;

/** The address of a server of an engine, without the name of a lock. */
export function isServer(text: string): boolean {
  return SERVER.test(text);
}

/**
 * Addresses of the locks that are held on a server, sorted. They carry the credentials of `server`, for the next step.
 *
 * @throws LockError when the server cannot be asked.
 */
export async function listServerLocks(server: string): Promise<readonly string[]> {
  const names = (await spaceOf(parseAddress(`${server}#any`)).backend.list?.()) ?? [];
  return names.map((name) => `${server}#${name}`);
}
