import { SERVER_ANSWER_MS } from '../../net/within.js';
import { LOOK_MS } from '../engine/limits.js';
import type { EtcdClient } from './client.js';
import { keysOf } from './keys.js';
import { isAbsent, isPresent, isValue, keyValues, only, rangeRequest, txnResult } from './requests.js';

export async function lastTick(client: EtcdClient, resource: string): Promise<number | undefined> {
  const value = await valueOf(client, resource, LOOK_MS);
  return value === undefined ? undefined : Number(value);
}

async function valueOf(client: EtcdClient, resource: string, budgetMs: number): Promise<string | undefined> {
  const answer = await client.call('range', rangeRequest(only(keysOf(resource).tick)), budgetMs);
  return keyValues(answer)[0]?.value;
}

/**
 * The last tick, when it is not below `tick`; `'lost'` when the claim is gone: nothing was changed. One transaction compares
 * the claim and the tick that was read, and writes.
 */
export async function claimTick(
  client: EtcdClient,
  { resource, holderId }: { readonly resource: string; readonly holderId: string },
  tick: number,
): Promise<number | 'lost' | undefined> {
  const keys = keysOf(resource);
  const claim = keys.own('x', holderId);
  for (;;) {
    const value = await valueOf(client, resource, SERVER_ANSWER_MS);
    if (value !== undefined && Number(value) >= tick) return Number(value);
    const isAsRead = value === undefined ? isAbsent(keys.tick) : isValue(keys.tick, value);
    const txn = {
      compare: [isPresent(claim), isAsRead],
      success: [{ put: { key: keys.tick, value: String(tick) } }],
      failure: [{ range: rangeRequest(only(claim)) }],
    };
    const { isSuccess, ranges } = txnResult(await client.call('txn', txn, SERVER_ANSWER_MS));
    if (isSuccess) return undefined;
    if (ranges[0]?.length === 0) return 'lost';
  }
}
