import type { HolderInfo } from '../../core/backend.js';
import { LOOK_MS } from '../engine/limits.js';
import type { RedisConnection } from './connection.js';
import { keysOf, nameOfKey } from './keys.js';
import { decodeRecord, permitHolder } from './record.js';

const SCAN_COUNT = '500';

/** The holders of the lock or its permits. Redis knows nothing of waiters. */
export async function readHolders(
  connection: RedisConnection,
  resource: string,
  shown: string,
): Promise<readonly HolderInfo[]> {
  const { lock, permits, holders } = keysOf(resource);
  const [held, notes, time] = await Promise.all([
    connection.command(['GET', lock], LOOK_MS),
    connection.command(['HGETALL', holders], LOOK_MS),
    connection.command(['TIME'], LOOK_MS),
  ]);
  const living = await connection.command(['ZRANGEBYSCORE', permits, after(time), '+inf'], LOOK_MS);
  const found: HolderInfo[] = typeof held === 'string' ? [decodeRecord(held, shown)] : [];
  const noteOf = new Map(Object.entries(notes as Record<string, string>));
  for (const holderId of living as string[]) found.push(permitHolder(holderId, noteOf.get(holderId) ?? ''));
  return found;
}

/** From the server's clock: the scores of permits whose time is not up. */
function after(time: unknown): string {
  const [seconds, microseconds] = time as readonly [string, string];
  return `(${Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)}`;
}

/** Every resource of this database that is held. */
export async function listNames(connection: RedisConnection): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const suffix of ['lock', 'permits']) {
    let cursor = '0';
    do {
      const args = ['SCAN', cursor, 'MATCH', `{*}:${suffix}`, 'COUNT', SCAN_COUNT];
      const [next, keys] = (await connection.command(args, LOOK_MS)) as [string, string[]];
      for (const key of keys) {
        const name = nameOfKey(key);
        if (name !== undefined) names.add(name);
      }
      cursor = next;
    } while (cursor !== '0');
  }
  return [...names].toSorted();
}
