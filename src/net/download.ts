import { open, type FileHandle } from 'node:fs/promises';

import type { Answer } from './attempt.js';
import { NetworkFailure } from './network-failure.js';

/**
 * A file that is downloaded in as many attempts as it takes: each goes on where the last one broke off, as long as the
 * server names the file by a strong ETag or a date and offers ranges (RFC 9110, 13.1.5 and 14). The consumer of
 * `fetchRetrying`. The sum of the parts must be checked by a checksum.
 */
export class Download {
  readonly #path: string;
  #receivedBytes = 0;
  #validator: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** For the next attempt. */
  rangeHeaders(): Readonly<Record<string, string>> {
    if (this.#receivedBytes === 0 || this.#validator === undefined) return {};
    return { range: `bytes=${this.#receivedBytes}-`, 'if-range': this.#validator };
  }

  async take(answer: Answer): Promise<void> {
    const isRest = this.#isRest(answer);
    if (!isRest && answer.status !== 200 && answer.status !== 203) {
      // Another part than the one asked for, or none: from the beginning then.
      this.#receivedBytes = 0;
      this.#validator = undefined;
      throw new NetworkFailure(`the server answered ${answer.status} with a part that does not fit`, {
        kind: 'request',
        isTransient: true,
      });
    }
    const file = await open(this.#path, isRest ? 'a' : 'w');
    try {
      if (!isRest) this.#receivedBytes = 0;
      this.#validator = validatorOf(answer.headers);
      await this.#write(file, answer.body);
    } finally {
      await file.close();
    }
  }

  #isRest({ status, headers }: Answer): boolean {
    const begin = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1];
    return status === 206 && this.#receivedBytes > 0 && Number(begin) === this.#receivedBytes;
  }

  async #write(file: FileHandle, body: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of body) {
      await file.writeFile(chunk);
      this.#receivedBytes += chunk.length;
    }
  }
}

/** A weak ETag does not promise the same bytes. */
function validatorOf(headers: Headers): string | undefined {
  const etag = headers.get('etag');
  if (etag !== null && !etag.startsWith('W/')) return etag;
  return headers.get('last-modified') ?? undefined;
}
