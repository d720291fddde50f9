import type { Finding } from '../finding.js';
import { finding } from '../finding.js';

export type BucketCheckId =
  | 'create'
  | 'swap'
  | 'quotes'
  | 'swap of nothing'
  | 'read after write'
  | 'racing creates'
  | 'racing swaps'
  | 'versioning'
  | 'signature clock'
  | 'listing'
  | 'delete';

export type BucketFinding = Finding<BucketCheckId>;

/** How many of `answers` there were of each kind: `412 x 30, 409 x 1`. */
export function tallied(answers: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([answer, count]) => `${answer} x ${count}`)
    .join(', ');
}

export { finding };
