import { pause } from '../../net/within.js';
import { withTokens, type Ask } from './ask.js';
import type { Won } from './context.js';
import { advisoryKey } from './keys.js';
import { ENTER_QUEUE, TRY_PERMIT, unlockStatement } from './statements.js';

/** The first of the queue looks this often; the others sleep in the server. */
const LOOK_AGAIN_MS = 25;

/** Each permit is an advisory lock of its own. */
export async function tryPermit(ask: Ask, permits: number): Promise<Won | undefined> {
  const keys = Array.from({ length: permits }, (_, slot) =>
    advisoryKey(ask.request.resource, `permit ${slot}`),
  );
  const [row] = await withTokens(ask, () => ask.query(TRY_PERMIT, [keys, ask.sign]));
  if (row === undefined) return undefined;
  return { key: row['key'] as string, token: BigInt(row['token'] as string) };
}

/** One more lock is the queue: whoever has it takes the next permit that comes free. First come, first served. */
export async function waitForPermit(ask: Ask, permits: number, signal: AbortSignal): Promise<Won> {
  const queue = advisoryKey(ask.request.resource, 'queue');
  await ask.wait(ENTER_QUEUE, [queue]);
  for (;;) {
    signal.throwIfAborted();
    const won = await tryPermit(ask, permits);
    if (won !== undefined) {
      await ask.query(unlockStatement('exclusive'), [queue]);
      return won;
    }
    await pause(ask.clock, LOOK_AGAIN_MS, signal);
  }
}
