import type { Clock } from '../../core/time.js';
import type { Effect, Outcome } from './effects.js';
import { isHoldAlive } from './record.js';
import type { Reading, Register } from './register.js';
import type { Sightings } from './sightings.js';

/** Before what was refused or unclear is asked about again. Half of it is random: contenders must part. */
const PAUSE_MS = 200;

/** What one lock's steps are carried out on. */
export interface Surroundings {
  readonly register: Register;
  readonly name: string;
  readonly clock: Clock;
  readonly budgetMs: number;
  /** What was read last, to be asked for by its version. */
  readonly known?: Reading | undefined;
  /** Whose key in the sightings of this host; absent where nothing is observed. */
  readonly sightings?: { readonly table: Sightings; readonly key: string };
}

/** Does one thing. Never rejects: what failed is for the next step to judge. */
export async function perform(on: Surroundings, effect: Effect): Promise<Outcome> {
  const { register, name, budgetMs } = on;
  try {
    switch (effect.kind) {
      case 'read':
        return { kind: 'read', reading: await register.read(name, on.known, budgetMs) };
      case 'write':
        return {
          kind: 'written',
          written: await register.write(name, effect.body, effect.version, budgetMs),
        };
      case 'sight': {
        const { table, key } = on.sightings ?? {};
        const since = await table?.since(key ?? name, effect.version, effect.at);
        return { kind: 'sighted', since: since ?? effect.at };
      }
      case 'examine':
        return {
          kind: 'examined',
          isDead: effect.record !== undefined && isHoldAlive(effect.record) === false,
        };
      case 'pause':
        await new Promise<void>((resolve) => {
          on.clock.setTimer(PAUSE_MS * (0.5 + Math.random()), resolve);
        });
        return { kind: 'done' };
    }
  } catch (error) {
    return { kind: 'failed', error };
  }
}
