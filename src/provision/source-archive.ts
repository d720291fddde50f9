import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';

import { isLockError } from '../core/errors.js';
import { errnoOf } from '../core/system-error.js';
import { Download } from '../net/download.js';
import { fetchRetrying } from '../net/fetch.js';
import { NetworkFailure } from '../net/network-failure.js';
import { execFile } from '../process/exec.js';
import { withoutCredentials } from '../core/credentials.js';
import { installError } from './errors.js';
import type { FetchContext } from './fetch-context.js';
import { removeSpecialBits } from './plain-rights.js';
import type { ArchiveSource } from './recipe.js';

/** Attempts at a place while there is another one. */
const ATTEMPTS_BEFORE_MIRROR = 2;

/**
 * Downloads the archive beside the directory `dir`, from its URL or a mirror, compares its checksum and unpacks it into `dir`.
 * Returns the checksum.
 *
 * @throws LockError HOLDFAST_NETWORK, also for a checksum that is not the recipe's.
 */
export async function fetchArchive(
  source: ArchiveSource,
  dir: string,
  context: FetchContext,
): Promise<string> {
  const path = `${dir}.download`;
  context.reporter.stage('download');
  try {
    await downloadAnywhere(source, path, context);
    context.reporter.stage('unpack');
    await unpack(source, path, dir, context);
    const special = await removeSpecialBits(dir);
    if (special !== undefined)
      throw installError(
        'HOLDFAST_BUILD',
        context.recipeName,
        `the archive holds "${special}", which is no file, directory or link`,
        'Do not use it',
      );
  } finally {
    await rm(path, { force: true });
  }
  return source.sha256.toLowerCase();
}

/** The URL, then the mirrors in their order: until one delivers the file that the checksum is of. */
async function downloadAnywhere(source: ArchiveSource, path: string, context: FetchContext): Promise<void> {
  const urls = [source.archive, ...(source.mirrors ?? [])];
  for (const [index, url] of urls.entries()) {
    const next = urls[index + 1];
    try {
      await download(url, path, next === undefined ? undefined : ATTEMPTS_BEFORE_MIRROR, context);
      return await assertChecksum(path, source.sha256, context.recipeName, withoutCredentials(url));
    } catch (error) {
      if (next === undefined || !isLockError(error) || error.code !== 'HOLDFAST_NETWORK') throw error;
      context.reporter.note(`${error.message} The mirror ${withoutCredentials(next)} comes next`);
    }
  }
}

async function download(
  url: string,
  path: string,
  attempts: number | undefined,
  context: FetchContext,
): Promise<void> {
  const { reporter, signal, clock, attemptTimeoutMs } = context;
  const download = new Download(path);
  await fetchRetrying(
    url,
    {
      clock,
      timeoutMs: attemptTimeoutMs,
      maxSizeBytes: Infinity,
      // The checksum is of the file at the server: an archive served as `Content-Encoding: gzip` is not to be unpacked.
      isRaw: true,
      isVerified: true,
      headers: () => download.rangeHeaders(),
      acceptedStatus: [206, 416],
      onRetry: ({ attempt, attempts: all, delayMs, failure }) =>
        reporter.send({ type: 'retry', attempt, attempts: all, delayMs, reason: failure.message }),
      ...(attempts !== undefined && { attempts }),
      ...(signal && { signal }),
    },
    (answer) => download.take(answer),
  );
}

/** A whole body with a wrong checksum is another file: asking again would bring the same one. */
async function assertChecksum(
  path: string,
  sha256: string,
  recipeName: string,
  display: string,
): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  const actual = hash.digest('hex');
  if (actual === sha256.toLowerCase()) return;
  const fact = `"${display}" has the SHA-256 ${actual}, not ${sha256.toLowerCase()}`;
  throw installError(
    'HOLDFAST_NETWORK',
    recipeName,
    fact,
    'Do not use it; correct the recipe only if the new file is known to be good',
    new NetworkFailure('checksum mismatch', { kind: 'request', isTransient: false }),
  );
}

/** With the system's own tar: on Windows and macOS it reads zip too. The content is trusted by its checksum. */
async function unpack(
  source: ArchiveSource,
  path: string,
  dir: string,
  context: FetchContext,
): Promise<void> {
  const { signal, clock, env, recipeName } = context;
  const strip = `--strip-components=${source.stripComponents ?? 1}`;
  const args = ['-x', '-f', path, '-C', dir, strip, '--no-same-owner', '--no-same-permissions'];
  try {
    const result = await execFile('tar', args, {
      env: { ...env, LC_ALL: 'C' },
      timeoutMs: context.attemptTimeoutMs,
      clock,
      ...(signal && { signal }),
    });
    if (result.code === 0) return;
    const words = result.stderr.trim().split('\n').slice(-3).join(' / ');
    const fact = `the archive could not be unpacked: ${words === '' ? `tar exited with ${result.code}` : words}`;
    throw installError('HOLDFAST_BUILD', recipeName, fact, 'Check that it is an archive that tar can read');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw installError(
      'HOLDFAST_UNSUPPORTED',
      recipeName,
      'it needs tar, which is not on the PATH',
      'Install tar',
      error,
    );
  }
}
