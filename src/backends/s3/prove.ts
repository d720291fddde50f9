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

/** Others may probe at the same time, or an answer may be missing; then a round proves nothing, and another one is made. */
const ROUNDS = 12;
const FIRST_PAUSE_MS = 40;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Finds out by four requests on an object of its own whether the store honours conditions, and how it wants its tags. A
 * store that ignores them answers every write with success, and two would hold every lock.
 *
 * @throws S3Refusal, or the client's error, when the store cannot be asked.
 */
export async function proveConditions(client: S3Client): Promise<Proof> {
  let unknown: unknown = new Error('other programs probe the store all the time');
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) await pauseBefore(round);
    const proof = await proveOnce(client);
    if (proof.kind !== 'open') return proof;
    unknown = proof.error ?? unknown;
  }
  throw unknown;
}

/** At random, so that probers part. */
function pauseBefore(round: number): Promise<void> {
  return sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** round) * (0.5 + Math.random() / 2));
}

type Open = { readonly kind: 'open'; readonly error?: unknown };
const OPEN: Open = { kind: 'open' };

/** A condition is proven by 412 alone: with 409, 429 or 503 the store may not have looked at it. */
async function proveOnce(client: S3Client): Promise<Proof | Open> {
  const key = probeKey(client.config);
  const register = new S3Register(client);
  const first = await putOnce(register, key, undefined);
  let etag: string | undefined;
  if (first.kind === 'landed') {
    etag = first.version;
    const second = await putOnce(register, key, undefined);
    if (second.kind === 'landed') {
      return { kind: 'ignored', fact: 'it made an object that exists already (If-None-Match: *)' };
    }
    if (second.kind !== 'conflict') return openBy(second);
  } else {
    if (first.kind !== 'conflict') return openBy(first);
    etag = await tagOf(client, key);
    // No prober deletes.
    if (etag === undefined) return { kind: 'ignored', fact: 'it does not make what is not there' };
  }
  const current = await putOnce(register, key, etag);
  if (current.kind === 'landed') {
    const stale = await putOnce(register, key, etag);
    if (stale.kind === 'conflict') return { kind: 'honoured', isUnquoted: false };
    if (stale.kind !== 'landed') return openBy(stale);
    return { kind: 'ignored', fact: 'it replaced an object that had changed meanwhile (If-Match)' };
  }
  if (current.kind !== 'conflict') return openBy(current);
  // Refused although the tag is right: another probe was faster, or the store compares without quotes. Either way it compares.
  const plain = await putOnce(new S3Register(client.with({ isUnquoted: true })), key, etag);
  if (plain.kind === 'landed') return { kind: 'honoured', isUnquoted: true };
  if (plain.kind !== 'conflict') return openBy(plain);
  if ((await tagOf(client, key)) !== etag) return OPEN;
  return { kind: 'ignored', fact: 'it refuses writes whose condition holds' };
}

/** One write of a text that never recurs. What was not carried out is tried again, for a while. */
async function putOnce(register: S3Register, key: string, version: string | undefined): Promise<Written> {
  for (let round = 1; ; round++) {
    const text = JSON.stringify({ holdfast: 'probe', nonce: randomBytes(16).toString('hex') });
    const written = await register.put(key, text, version, SERVER_ANSWER_MS);
    if (written.kind !== 'not-landed' || round === ROUNDS) return written;
    await pauseBefore(round);
  }
}

function openBy(written: Written): Open {
  return written.kind === 'unknown' ? { kind: 'open', error: written.error } : OPEN;
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
