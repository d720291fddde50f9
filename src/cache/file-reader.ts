import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { isLockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { NAMED_READ } from '../files/open-named.js';
import { readNamed } from '../files/open-named-async.js';
import { readReplacedSync } from '../files/replaced-sync.js';
import { readReplaced } from '../files/replaced.js';
import {
  decodeCache,
  decodeHeader,
  HEADER_BYTES,
  type CacheContent,
  type CacheHeader,
  type CacheMeta,
} from './format.js';

export interface Broken {
  readonly kind: 'broken';
  readonly fact: string;
  /** What could still be read of it. */
  readonly generation: number | undefined;
}

export type RawReading =
  { readonly kind: 'ok'; readonly content: CacheContent } | Broken | { readonly kind: 'missing' };

/** One version of the cache, parsed. */
export interface Version<T> {
  readonly header: CacheHeader;
  readonly meta: CacheMeta;
  readonly value: T;
}

export type Reading<T> =
  | { readonly kind: 'ok'; readonly version: Version<T>; readonly content: CacheContent }
  | Broken
  | { readonly kind: 'missing' };

/**
 * Reads a cache file without a lock: it is replaced by rename, so an open file is one version for good. A file that looks
 * damaged is read once more, because a file server may show half of a version for a moment.
 *
 * @throws LockError HOLDFAST_IO, HOLDFAST_PERMISSION
 */
export async function readCacheFile(path: string): Promise<RawReading> {
  const first = await readOnce(path);
  return first.kind === 'broken' ? readOnce(path) : first;
}

async function readOnce(path: string): Promise<RawReading> {
  try {
    return decodeCache(await readReplaced(path, () => readNamed(path)));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return { kind: 'missing' };
    throw errno === undefined ? error : systemError('read', path, errno, error);
  }
}

/**
 * Keeps the parsed value and gives it out again while the first line of the file is unchanged. Device, inode, size and
 * times would not do: they repeat within milliseconds on ext4.
 */
export class FileReader<T> {
  readonly #path: string;
  readonly #parse: (content: CacheContent) => Promise<T>;
  readonly #head = Buffer.alloc(HEADER_BYTES);
  #kept: { readonly head: Buffer; readonly version: Version<T> } | undefined;

  constructor(path: string, parse: (content: CacheContent) => Promise<T>) {
    this.#path = path;
    this.#parse = parse;
  }

  /**
   * What was parsed last, if the file still says the same. Synchronous: four short system calls, where a way through
   * the thread pool would cost ten times as much.
   */
  unchanged(): Version<T> | undefined {
    if (this.#kept === undefined || !this.#readHead()) return undefined;
    return this.#head.equals(this.#kept.head) ? this.#kept.version : undefined;
  }

  /** Which write of the file is there now; undefined when that cannot be known. */
  contentId(): string | undefined {
    return this.#readHead() ? decodeHeader(this.#head)?.contentId : undefined;
  }

  async read(): Promise<Reading<T>> {
    const reading = await readCacheFile(this.#path);
    if (reading.kind !== 'ok') return reading;
    const { content } = reading;
    try {
      const version = await this.parse(content);
      this.keep(content, version);
      return { kind: 'ok', version, content };
    } catch (error) {
      // It is whole, but not what the schema wants: a new fetch may bring what does.
      if (!isLockError(error) || error.code !== 'HOLDFAST_PROTOCOL') throw error;
      return { kind: 'broken', fact: error.message, generation: content.header.generation };
    }
  }

  /** @throws LockError HOLDFAST_PROTOCOL when the payload does not fit the schema. */
  async parse(content: CacheContent): Promise<Version<T>> {
    return { header: content.header, meta: content.meta, value: await this.#valueOf(content) };
  }

  keep(content: CacheContent, version: Version<T>): void {
    this.#kept = { head: content.head, version };
  }

  /** A revalidated payload is a new write of old bytes: not parsed again. */
  async #valueOf(content: CacheContent): Promise<T> {
    const kept = this.#kept?.version;
    const isSame = kept?.header.sha256 === content.header.sha256 && kept.meta.format === content.meta.format;
    return isSame ? kept.value : this.#parse(content);
  }

  #readHead(): boolean {
    try {
      return readReplacedSync(this.#path, () => this.#readHeadOnce());
    } catch {
      // Whatever it is, the reading of the whole file will say.
      return false;
    }
  }

  #readHeadOnce(): boolean {
    const file = openSync(this.#path, NAMED_READ);
    try {
      // A client of NFS opens, and reads from its cache, what is long gone at the server; this question it passes on.
      fstatSync(file);
      return readSync(file, this.#head, 0, HEADER_BYTES, 0) === HEADER_BYTES;
    } finally {
      closeSync(file);
    }
  }
}
