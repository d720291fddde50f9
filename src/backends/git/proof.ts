import { createHash } from 'node:crypto';

import { readJson, replaceText } from './files.js';
import { isOnePlace, type Remote } from './remote.js';

/** Whether what is pushed is known to appear where claims are read, kept for each pair of URLs. */
export class Proof {
  readonly #path: string;
  /** undefined where one URL serves both. */
  readonly #pair: string | undefined;
  #isProven: boolean;

  constructor(remote: Remote, path: string) {
    this.#path = path;
    this.#pair = isOnePlace(remote) ? undefined : pairKey(remote);
    this.#isProven = this.#pair === undefined || provenPairs(path).includes(this.#pair);
  }

  get isProven(): boolean {
    return this.#isProven;
  }

  prove(): void {
    if (this.#isProven || this.#pair === undefined) return;
    this.#isProven = true;
    const pairs = [...provenPairs(this.#path), this.#pair];
    replaceText(this.#path, JSON.stringify({ format: 1, pairs }), false);
  }
}

function pairKey({ settings }: Remote): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}

function provenPairs(path: string): readonly unknown[] {
  const value = readJson(path) as { format?: unknown; pairs?: unknown } | null | undefined;
  return value?.format === 1 && Array.isArray(value.pairs) ? value.pairs : [];
}
