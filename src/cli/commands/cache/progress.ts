import type { Timeout } from '../../../core/timeout.js';
import type { CacheCallOptions } from '../../../cache/options.js';
import { formatDuration } from '../../../core/duration.js';
import { systemClock } from '../../../platform/clock.js';
import type { Progress } from '../../../net/attempt.js';
import { note, showStatus } from '../../output.js';
import { isStderrLive } from '../../terminal.js';
import { describeSize } from './text.js';
import { WaitReport } from '../../render/waiting.js';

/** Shorter downloads stay silent. */
const LIVE_AFTER_MS = 500;
const REPAINT_MS = 200;
/** Without a terminal. */
const LINE_AFTER_MS = 5_000;
const LINE_EVERY_MS = 30_000;

/** Prints to stderr what a refresh waits for: other refreshers, the next attempt, a long download. */
export class RefreshReport {
  readonly listeners: Pick<CacheCallOptions, 'onWait' | 'onProgress' | 'onRetry'>;
  readonly #path: string;
  readonly #isLive = isStderrLive();
  readonly #startedAt = systemClock.now();
  #nextAt: number;
  #isPainted = false;

  constructor(path: string, timeout: Timeout) {
    this.#path = path;
    this.#nextAt = this.#startedAt + (this.#isLive ? LIVE_AFTER_MS : LINE_AFTER_MS);
    this.listeners = {
      onWait: new WaitReport({ address: path, timeout, clock: systemClock }).onWait,
      onProgress: (progress) => this.#progress(progress),
      onRetry: ({ attempt, attempts, delayMs, failure }) => {
        this.end();
        note(
          `holdfast: ${path}: ${failure.message}; attempt ${attempt + 1} of ${attempts} in ${formatDuration(delayMs)}.`,
        );
      },
    };
  }

  /** Leaves the terminal as it was. */
  end(): void {
    if (this.#isPainted) showStatus();
    this.#isPainted = false;
  }

  #progress({ receivedBytes, totalBytes }: Progress): void {
    const now = systemClock.now();
    if (now < this.#nextAt) return;
    this.#nextAt = now + (this.#isLive ? REPAINT_MS : LINE_EVERY_MS);
    const share = totalBytes === undefined ? '' : ` of ${describeSize(totalBytes)}`;
    const percent = totalBytes ? ` (${Math.floor((receivedBytes / totalBytes) * 100)} %)` : '';
    const line = `holdfast: ${this.#path}: ${describeSize(receivedBytes)}${share}${percent} fetched`;
    if (this.#isLive) showStatus(line);
    else note(`${line} after ${formatDuration(now - this.#startedAt)}.`);
    this.#isPainted = this.#isLive;
  }
}
