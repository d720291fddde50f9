import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

import type { Clock } from '../core/time.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { readCacheFile } from './file-reader.js';
import { freshnessOf } from './freshness.js';

export type ListedCache =
  | { readonly name: string; readonly state: 'broken'; readonly fact: string }
  | {
      readonly name: string;
      readonly state: 'fresh' | 'stale';
      readonly generation: number;
      readonly ageMs: number;
      readonly sizeBytes: number;
      readonly source: string | undefined;
    };

const FIRST_BYTES = '{"schema":';

/**
 * The cache files in `directory` itself, by name. What does not begin as one is not read further.
 *
 * @throws LockError HOLDFAST_IO, HOLDFAST_PERMISSION
 */
export async function listCaches(directory: string, clock: Clock): Promise<readonly ListedCache[]> {
  const listed: ListedCache[] = [];
  for (const name of candidatesIn(directory)) {
    const reading = await readCacheFile(join(directory, name));
    if (reading.kind === 'broken') listed.push({ name, state: 'broken', fact: reading.fact });
    if (reading.kind !== 'ok') continue;
    const { header, meta } = reading.content;
    const { ageMs, isStale } = freshnessOf(meta, undefined, clock.wallNow());
    const { generation, length: sizeBytes } = header;
    const state = isStale ? 'stale' : 'fresh';
    listed.push({ name, state, generation, ageMs: Math.round(ageMs), sizeBytes, source: meta.source });
  }
  return listed;
}

function candidatesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.failed'))
      .map(({ name }) => name)
      .filter((name) => beginsAsCache(join(directory, name)))
      .toSorted();
  } catch (error) {
    throw systemError('read', directory, errnoOf(error) ?? 'EIO', error);
  }
}

function beginsAsCache(path: string): boolean {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(FIRST_BYTES.length);
      return readSync(file, bytes, 0, bytes.length, 0) === bytes.length && bytes.toString() === FIRST_BYTES;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
