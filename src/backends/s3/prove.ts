import { randomBytes } from 'node:crypto';

import { sleep } from '../../platform/clock.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { refusalError } from '../engine/errors.js';
import type { Written } from '../register/register.js';
import type { S3Client } from './client.js';
import { probeKey } from './config.js';
import { etagOf, S3Register } from './register.js';
import { S3Refusal } from './errors.js';

/** What a store was seen to do with conditions. */
export type Proof =
  | { readonly kind: 'honoured'; readonly isUnquoted: boolean }
  | { readonly kind: 'ignored'; readonly fact: string };

/** Others may probe at the same time; then a round proves nothing, and another one is made. */
const ROUNDS = 50;
const PAUSE_MS = 40;

/**
 * Finds out by four requests on an object of its own whether the store honours conditions, and how it wants its tags. A
 * store that ignores them answers every write with success, and two would hold every lock.
 *
 * @throws S3Refusal, or the client's error, when the store cannot be asked.
 */
export async function proveConditions(client: S3Client): Promise<Proof> {
  for (let round = 0; ; round++) {
    const proof = await proveOnce(client);
    if (proof !== undefined) return proof;
    if (round === ROUNDS) throw new Error('other programs probe the store all the time');
    await sleep(PAUSE_MS * Math.random());
  }
}

async function proveOnce(client: S3Client): Promise<Proof | undefined> {
  const key = probeKey(client.config);
  const register = new S3Register(client);
  const put = (on: S3Register, version: string | undefined): Promise<Written> =>
    on.put(
      key,
      JSON.stringify({ holdfast: 'probe', nonce: randomBytes(16).toString('hex') }),
      version,
      SERVER_ANSWER_MS,
    );
  const first = await put(register, undefined);
  let etag = first.kind === 'landed' ? first.version : undefined;
  if (first.kind === 'landed') {
    const second = await put(register, undefined);
    if (second.kind === 'landed') {
      return { kind: 'ignored', fact: 'it made an object that exists already (If-None-Match: *)' };
    }
  } else {
    etag = await tagOf(client, key);
  }
  if (etag === undefined) {
    // No prober deletes.
    return first.kind === 'conflict'
      ? { kind: 'ignored', fact: 'it does not make what is not there' }
      : undefined;
  }
  const current = await put(register, etag);
  if (current.kind === 'landed') {
    const stale = await put(register, etag);
    if (stale.kind !== 'landed') return { kind: 'honoured', isUnquoted: false };
    return { kind: 'ignored', fact: 'it replaced an object that had changed meanwhile (If-Match)' };
  }
  // Refused although the tag is right: another probe was faster, or the store compares without quotes. Either way it compares.
  const unquoted = new S3Register(client.with({ isUnquoted: true }));
  const plain = await put(unquoted, etag);
  if (plain.kind === 'landed') return { kind: 'honoured', isUnquoted: true };
  const isRefused = current.kind === 'conflict' && plain.kind === 'conflict';
  if (!isRefused || (await tagOf(client, key)) !== etag) return undefined;
  return { kind: 'ignored', fact: 'it refuses writes whose condition holds' };
}

async function tagOf(client: S3Client, key: string): Promise<string | undefined> {
  const answer = await client.send({ method: 'GET', key, budgetMs: SERVER_ANSWER_MS });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new S3Refusal(answer);
  return etagOf(answer);
}

/** @throws LockError HOLDFAST_UNSUPPORTED. */
export function assertHonoured(
  proof: Proof,
  display: string,
): asserts proof is Extract<Proof, { kind: 'honoured' }> {
  if (proof.kind === 'honoured') return;
  const next = `Use a store with conditional writes, and prove it with: holdfast verify ${display}`;
  throw refusalError(display, ['HOLDFAST_UNSUPPORTED', `the store ignores conditions: ${proof.fact}`, next]);
}
