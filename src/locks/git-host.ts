import type { ArbiterHost, Exclusively } from '../backends/git/index.js';
import { acquire } from '../core/acquisition.js';
import type { Namespace } from '../core/namespace.js';
import { resolveOptions } from '../core/options.js';
import { systemClock } from '../platform/clock.js';
import { ownTimeline } from '../platform/first-seen.js';

/** What the git backend needs of this machine. `files`: where its local lock is taken. */
export function gitHost(files: Namespace): ArbiterHost {
  return { clock: systemClock, timeline: ownTimeline, exclusively: exclusivelyIn(files) };
}

function exclusivelyIn(files: Namespace): Exclusively {
  return async (path, deadline, fn) => {
    const { signal } = deadline;
    const timeoutMs = Math.max(1, deadline.leftMs());
    const options = resolveOptions(
      { timeoutMs, timeoutSource: 'for the network', ...(signal && { signal }) },
      false,
    );
    const guard = await acquire({ namespace: files, resource: path, address: path }, options);
    try {
      return await fn();
    } finally {
      await guard.release();
    }
  };
}
