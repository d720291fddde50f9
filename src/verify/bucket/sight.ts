import { plural } from '../finding.js';
import type { Learned } from './conditions.js';
import { type BucketFinding, finding } from './finding.js';
import { type Probes, tagFor } from './probe.js';

const LANES = 16;

/** After each write that landed a read must show it, and nothing older. */
export async function checkReadAfterWrite(
  probes: Probes,
  rounds: number,
  learned: Learned,
): Promise<BucketFinding> {
  let [reads, stale, unclear] = [0, 0, 0];
  const lane = async (index: number): Promise<void> => {
    const name = `read-${index}`;
    let etag = (await probes.putPatiently(name, { create: true })).etag;
    for (let round = index; round < rounds && etag !== undefined; round += LANES) {
      const put = await probes.putPatiently(name, { match: tagFor(learned, etag) });
      if (put.kind !== 'landed') {
        unclear++;
        etag = (await probes.get(name))?.etag;
        continue;
      }
      const found = await probes.get(name);
      reads++;
      if (found?.text !== put.text || found.etag !== put.etag) stale++;
      etag = put.etag;
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, rounds) }, (_, index) => lane(index)));
  const figures = { reads, stale, unclear };
  if (stale > 0) {
    return finding(
      'read after write',
      'refused',
      `${stale} of ${plural(reads, 'read')} showed an older state: waiters and "holdfast ls" see changes late`,
      figures,
    );
  }
  if (reads === 0) return finding('read after write', 'unknown', 'no write landed', figures);
  return finding(
    'read after write',
    'holds',
    `each of ${plural(reads, 'read')} showed the last write`,
    figures,
  );
}
