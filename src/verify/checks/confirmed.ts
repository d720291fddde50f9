import type { Finding } from '../finding.js';

/** How often something must be seen, one time after the other, before a slow machine is no explanation for it. */
export const TIMES_SEEN = 3;

/**
 * What a check that works with times finds, tried again before it condemns: a machine or a file system that was slow for
 * a moment looks like one that does not keep a lock. Two holders at once (`overlaps`) are proof, and need no repetition.
 */
export async function confirmed(run: () => Promise<Finding>): Promise<Finding> {
  const first = await run();
  let last = first;
  for (let seen = 1; seen < TIMES_SEEN && isDoubtful(last); seen++) last = await run();
  if (!isCondemned(first) || isCondemned(last)) return last;
  const detail = `slow: ${first.detail}, but not when it was tried again (${last.detail}). Try a longer --lease, on a quiet machine`;
  return { ...first, outcome: 'unknown', detail, figures: { ...last.figures, isSlow: true } };
}

function isCondemned({ outcome }: Finding): boolean {
  return outcome === 'broken' || outcome === 'refused';
}

function isDoubtful(found: Finding): boolean {
  return isCondemned(found) && !(Number(found.figures['overlaps'] ?? 0) > 0);
}
