import { formatDuration } from './duration.js';

/** The limit of one call: how long it may take, and which setting says so. */
export class Timeout {
  /** Milliseconds from the start of the call to its deadline. 0: one try. Infinity: no deadline. */
  readonly ms: number;
  /** As messages name it: `--wait`, an environment variable, a file, `timeoutMs`, `default`. */
  readonly source: string;
  /** Milliseconds that were used up before this part of the call, as `lockAll` does lock by lock. */
  readonly elapsedMs: number;

  constructor(ms: number, source: string, elapsedMs = 0) {
    this.ms = ms;
    this.source = source;
    this.elapsedMs = elapsedMs;
  }

  get leftMs(): number {
    return Math.max(0, this.ms - this.elapsedMs);
  }

  /** The same limit for a later part of the call. */
  after(elapsedMs: number): Timeout {
    return new Timeout(this.ms, this.source, elapsedMs);
  }

  /** As the options of a call carry it. */
  get options(): { readonly timeoutMs: number; readonly timeoutSource: string } {
    return { timeoutMs: this.ms, timeoutSource: this.source };
  }

  /** `timeout 2 s (--wait)`. */
  toString(): string {
    return `timeout ${formatDuration(this.ms)} (${this.source})`;
  }
}
