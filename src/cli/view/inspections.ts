import { statSync } from 'node:fs';

import { withoutCredentials } from '../../core/credentials.js';
import { inspectAll, type Inspection } from '../../locks/inspect.js';
import { isServer, listLocks, listServerLocks } from '../../locks/list.js';
import { asTypedHere } from '../render/path.js';
import { readAddress } from '../run/subject.js';

/** The locks that `subject` stands for: a directory, a lock, a server, the claims of a remote. */
export async function inspectionsAt(subject: string, command: string): Promise<readonly Inspection[]> {
  return isRemote(subject) ? claimsAt(subject) : inspectAll(await addressesOf(subject, command));
}

/** `git:REMOTE` without a name stands for all claims there. */
function isRemote(subject: string): boolean {
  return /^git:[^#]+$/.test(subject);
}

async function claimsAt(subject: string): Promise<Inspection[]> {
  const { list } = await import('../../claims/index.js');
  const { claims } = await list({ remote: subject.slice('git:'.length) });
  return claims.map(({ id, agent, host, holderId, reason, sinceAt, generation }) => ({
    address: `${withoutCredentials(subject)}#${id}`,
    backend: 'git',
    isHeld: true,
    holders: [
      {
        state: 'holder',
        mode: 'exclusive',
        holderId,
        sinceAt,
        fencingToken: generation,
        note: `agent ${agent}`,
        ...(host !== undefined && { host }),
        ...(reason !== undefined && { reason }),
      },
    ],
    waiters: [],
  }));
}

/** A directory, or a server without a name behind #, stands for the locks in it, anything else for itself. */
async function addressesOf(subject: string, command: string): Promise<readonly string[]> {
  if (isServer(subject)) return listServerLocks(subject);
  const { scheme, target } = readAddress(subject, command);
  if (scheme !== 'path' || statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true)
    return [subject];
  return (await listLocks(target)).map(asTypedHere);
}
