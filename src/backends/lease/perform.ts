import { sleep } from '../../platform/clock.js';
import { ABSENT_PAUSE_MS } from './config.js';
import type { LeaseDirectory } from './directory.js';
import type { Effect, Outcome } from './effects.js';

type Remaining = Exclude<Effect, { kind: 'sight' | 'examine' | 'write-record' }>;

/** Does one thing to the directory. Never rejects: what failed is for the next step to judge. */
export async function perform(directory: LeaseDirectory, effect: Remaining): Promise<Outcome> {
  try {
    switch (effect.kind) {
      case 'list':
        return { kind: 'listed', names: await directory.list() };
      case 'rename':
        await directory.rename(effect.from, effect.to);
        break;
      case 'unlink':
        await directory.unlink(effect.name);
        break;
      case 'probe':
        await directory.probe();
        break;
      case 'sync':
        await directory.sync();
        break;
      case 'pause':
        await sleep(ABSENT_PAUSE_MS);
        break;
    }
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', error };
  }
}
