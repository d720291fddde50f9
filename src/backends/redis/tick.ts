import { SERVER_ANSWER_MS } from '../../net/within.js';
import { LOOK_MS } from '../engine/limits.js';
import { evaluate } from './connection.js';
import type { RedisContext } from './grant.js';
import { keysOf } from './keys.js';
import { CLAIM_TICK } from './scripts.js';

export async function lastTick({ connection }: RedisContext, resource: string): Promise<number | undefined> {
  const reply = await connection.command(['GET', keysOf(resource).tick], LOOK_MS);
  return typeof reply === 'string' ? Number(reply) : undefined;
}

/** The last tick, when it is not below `tick`; `'lost'` when the lock is not this holder's any more: nothing was changed. */
export async function claimTick(
  { connection }: RedisContext,
  { resource, holderId }: { readonly resource: string; readonly holderId: string },
  tick: number,
): Promise<number | 'lost' | undefined> {
  const { lock, tick: key } = keysOf(resource);
  const args = [holderId, String(tick)];
  const reply = String(await evaluate(connection, CLAIM_TICK, [lock, key], args, SERVER_ANSWER_MS));
  if (reply === 'claimed') return undefined;
  return reply === 'lost' ? 'lost' : Number(reply);
}
