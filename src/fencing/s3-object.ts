import { LockError } from '../core/errors.js';
import { systemClock } from '../platform/clock.js';
import { SERVER_ANSWER_MS } from '../net/within.js';
import { borrowedConfig, type S3ClientLike } from '../backends/s3/borrowed.js';
import { S3Client, type S3Answer } from '../backends/s3/client.js';
import { s3Config } from '../backends/s3/config.js';
import { usualCredentials } from '../backends/s3/credentials.js';
import { S3Refusal, s3Error } from '../backends/s3/errors.js';
import { etagOf, tagHeader } from '../backends/s3/register.js';
import { proveStore } from '../backends/s3/proof-memory.js';
import type { FencedStore, FencedWrite } from './fenced-update.js';

/** What an object is replaced by. */
export type S3Change = string | Uint8Array;

const TOKEN = 'x-amz-meta-holdfast-token';
/** Writers of one token may be several; each other one that comes in between costs a round. */
const ROUNDS = 20;

/**
 * An object of a bucket, with the token of its last writer in its metadata. One conditional write compares and replaces, so
 * that a holder whose lock has passed on can no longer write, however late its request arrives. An object that is not there
 * is made.
 *
 * Not covered: writers that do not go through this (the console, `aws s3 cp`), deletions, parts of a multipart upload, and
 * other objects that the same change touches.
 *
 * @param address `s3://BUCKET/KEY`, with the parameters of a lock's address.
 * @param options `contentType` of the object, default `application/octet-stream`; `client` as for a lock.
 * @throws what a lock there throws. TypeError for an address without a key.
 * @example
 * const index = s3Object('s3://builds/index.json');
 * await withLock('s3://builds/locks#index', (guard) => fencedUpdate(guard, index, '{}'));
 */
export function s3Object(
  address: string,
  options: { readonly contentType?: string; readonly client?: S3ClientLike } = {},
): FencedStore<S3Change> {
  const { contentType = 'application/octet-stream', client: borrowed } = options;
  // The key may contain anything but a `?` and a `#`, which a URL has for itself.
  const target = address.split('#', 1)[0] ?? '';
  const named = s3Config(target);
  if (named.prefix === '') {
    throw new TypeError(`Could not fence "${named.display}": it names no object. Write s3://BUCKET/KEY.`);
  }
  let opening: Promise<S3Client> | undefined;
  const open = async (): Promise<S3Client> => {
    const config = borrowed === undefined ? named : await borrowedConfig(borrowed, target);
    const credentials =
      borrowed === undefined ? usualCredentials(config.profile) : () => borrowed.config.credentials();
    return proveStore(new S3Client(config, credentials, systemClock), systemClock);
  };
  return {
    name: named.display,
    async write(token, change) {
      try {
        opening ??= open().catch((error: unknown) => {
          opening = undefined;
          throw error;
        });
        return await writeFenced(await opening, token, change, contentType);
      } catch (error) {
        throw s3Error(error, named.display, named);
      }
    },
  };
}

async function writeFenced(
  client: S3Client,
  token: bigint,
  body: S3Change,
  contentType: string,
): Promise<FencedWrite> {
  const { prefix: key } = client.config;
  for (let round = 0; round < ROUNDS; round++) {
    const found = await client.send({ method: 'HEAD', key, budgetMs: SERVER_ANSWER_MS });
    if (found.status !== 200 && found.status !== 404) throw new S3Refusal(found);
    if (tokenIn(found) > token) return 'stale';
    const tag = found.status === 404 ? undefined : etagOf(found);
    const condition =
      tag === undefined ? { 'if-none-match': '*' } : { 'if-match': tagHeader(client.config, tag) };
    const headers = { 'content-type': contentType, [TOKEN]: String(token), ...condition };
    const answer = await client.send({ method: 'PUT', key, headers, body, budgetMs: SERVER_ANSWER_MS });
    if (answer.status >= 200 && answer.status < 300) return 'written';
    if (![404, 409, 412, 429].includes(answer.status)) throw new S3Refusal(answer);
  }
  const { display } = client.config;
  throw new LockError(
    `Could not write "${display}": other writers came in between ${ROUNDS} times. Let all of them hold the lock.`,
    { code: 'HOLDFAST_IO', resource: display },
  );
}

function tokenIn({ headers }: S3Answer): bigint {
  const text = headers[TOKEN];
  return typeof text === 'string' && /^\d{1,30}$/.test(text) ? BigInt(text) : 0n;
}
