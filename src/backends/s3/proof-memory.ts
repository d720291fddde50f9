import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Clock } from '../../core/time.js';
import { makeDirectory } from '../../files/make-directory.js';
import { readOwn } from '../../files/open-own.js';
import { replaceFile } from '../../files/replace.js';
import { stateDirectory } from '../../platform/user-directories.js';
import { S3Client } from './client.js';
import { s3Config, type S3Config } from './config.js';
import { usualCredentials } from './credentials.js';
import { s3Error } from './errors.js';
import { assertHonoured, proveConditions, type Proof } from './prove.js';

const FORMAT = 1;
/** A store may be exchanged for another at the same address. */
const VALID_MS = 24 * 60 * 60 * 1_000;

type Honoured = Extract<Proof, { kind: 'honoured' }>;

/** Where this user remembers that a store was proven; undefined for a user without a place for state. */
function pathOf({ endpoint, bucket, prefix }: S3Config): string | undefined {
  const directory = stateDirectory();
  if (directory === undefined) return undefined;
  const key = createHash('sha256').update(`${endpoint}\0${bucket}\0${prefix}`).digest('hex');
  return join(directory, 'stores', `${key.slice(0, 40)}.json`);
}

/**
 * `client` in the way that its store wants to be asked, once it is known to honour conditions.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED for a store that ignores them.
 */
export async function proveStore(client: S3Client, clock: Clock): Promise<S3Client> {
  return client.with({ isUnquoted: (await proofOf(client, clock)).isUnquoted });
}

/** The store of an address, with the usual credentials. */
export function openBucket(target: string, clock: Clock): S3Client {
  const config = s3Config(target);
  return new S3Client(config, usualCredentials(config.profile), clock);
}

/** {@link proveStore} for people. @throws LockError also when the store cannot be asked. */
export async function provenBucket(
  client: S3Client,
  clock: Clock,
): Promise<{ readonly isUnquoted: boolean; readonly isRemembered: boolean }> {
  try {
    const { isUnquoted, isRemembered } = await proofOf(client, clock);
    return { isUnquoted, isRemembered };
  } catch (error) {
    throw s3Error(error, client.config.display, client.config);
  }
}

async function proofOf(
  client: S3Client,
  clock: Clock,
): Promise<Honoured & { readonly isRemembered: boolean }> {
  const { config } = client;
  const remembered = rememberedProof(config, clock);
  if (remembered !== undefined) return { ...remembered, isRemembered: true };
  const proof = await proveConditions(client);
  assertHonoured(proof, config.display);
  await rememberProof(config, proof, clock);
  return { ...proof, isRemembered: false };
}

/** Undefined when nothing is remembered, it is too old, or another user could have written it. */
function rememberedProof(config: S3Config, clock: Clock): Honoured | undefined {
  const path = pathOf(config);
  if (path === undefined) return undefined;
  try {
    const text = readOwn(path, { maxSizeBytes: 4_096 })?.toString('utf8') ?? '';
    const { format, provenAtMs, isUnquoted } = Object(JSON.parse(text)) as Record<string, unknown>;
    const isReadable = format === FORMAT && typeof provenAtMs === 'number' && typeof isUnquoted === 'boolean';
    const ageMs = clock.wallNow() - Number(provenAtMs);
    return isReadable && ageMs >= 0 && ageMs < VALID_MS ? { kind: 'honoured', isUnquoted } : undefined;
  } catch {
    return undefined;
  }
}

/** The next use of the store proves it again. */
export async function forgetProof(config: S3Config): Promise<void> {
  const path = pathOf(config);
  if (path !== undefined) await unlink(path).catch(() => undefined);
}

async function rememberProof(config: S3Config, { isUnquoted }: Honoured, clock: Clock): Promise<void> {
  const path = pathOf(config);
  if (path === undefined) return;
  try {
    makeDirectory(dirname(path), { mode: 0o700 });
    const text = JSON.stringify({ format: FORMAT, provenAtMs: clock.wallNow(), isUnquoted });
    await replaceFile(path, `${text}\n`, { isDurable: false });
  } catch {
    // A full disk: the next process asks the store again.
  }
}
