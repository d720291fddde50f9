import type { Clock, Timer } from '../core/time.js';
import type { Timeout } from '../core/timeout.js';

/** So many texts, and about so many characters, go into one hold of the lock; then other processes get their turn. */
export const BATCH = { texts: 1_024, characters: 1_048_576 };

/** One caller that waits. */
export interface Appending<Token> {
  /** Its complete lines, for the hold that writes them. Throws what only this caller did wrong. */
  readonly linesUnder: (token: Token) => string;
  /** How long it waits for the lock. */
  readonly timeout: Timeout;
  readonly signal?: AbortSignal | undefined;
}

/** What became of the texts of one write, which are in the order of their callers. */
export interface Written {
  /** So many of them, from the first on, are on disk. */
  readonly count: number;
  /** Absent: all are. Otherwise it is the error of the text behind those, of which a part may have been written. */
  readonly error?: unknown;
  /** The texts behind that one were not touched and may be written again. Otherwise they share its error. */
  readonly isRestUntouched?: boolean;
}

/** What the queue works with. Tests bring their own. */
export interface AppendParts<Token> {
  readonly clock: Clock;
  readonly batch?: typeof BATCH;
  /** Runs `work` while the lock is held. Rejects without having run it when `signal` aborts, or the lock cannot be had. */
  readonly hold: (signal: AbortSignal, work: (token: Token) => Promise<void>) => Promise<void>;
  /** One write and one sync. A rejection means that nothing was written, and is the error of each text. */
  readonly write: (texts: readonly string[], token: Token) => Promise<Written>;
  /** The error of a caller whose text met `error`. */
  readonly failureOf: (error: unknown, text: string) => unknown;
  readonly timeoutOf: (appending: Appending<Token>) => Promise<unknown>;
  readonly canceledOf: (reason: unknown) => unknown;
}

interface Entry<Token> {
  readonly appending: Appending<Token>;
  readonly deadlineAt: number;
  readonly series: number;
  readonly settle: (error?: { readonly is: unknown }) => void;
}

/**
 * Appends of one process to one file that wait at the same time share one hold of the lock, one write and one sync.
 *
 * INV-APPEND-1 An append resolves only after its own text is on disk and the hold has ended well.
 * INV-APPEND-2 A text is written at most once. One that timed out or was canceled is never written.
 * INV-APPEND-3 Texts are written in the order of the calls.
 * INV-APPEND-4 An append fails by its own error only: the texts behind one that could not be written go on.
 * INV-APPEND-5 One hold writes at most {@link BATCH}: then the lock is released, and other processes get their turn.
 */
export class AppendQueue<Token> {
  readonly #parts: AppendParts<Token>;
  #waiting = new Set<Entry<Token>>();
  #series = 0;
  #isAtWork = false;
  #noneLeft = new AbortController();
  #timer: Timer | undefined;
  #firesAt = Infinity;

  constructor(parts: AppendParts<Token>) {
    this.#parts = parts;
  }

  append(appending: Appending<Token>): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = appending;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(this.#parts.canceledOf(signal.reason) as Error);
      const onAbort = (): void => {
        if (this.#leave(entry)) entry.settle({ is: this.#parts.canceledOf(signal?.reason) });
      };
      const entry: Entry<Token> = {
        appending,
        deadlineAt: clock.now() + appending.timeout.ms,
        series: this.#series,
        settle: (error) => {
          signal?.removeEventListener('abort', onAbort);
          if (error === undefined) resolve();
          else reject(error.is as Error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(entry);
      if (entry.deadlineAt < this.#firesAt) this.#arm(entry.deadlineAt);
      if (!this.#isAtWork) void this.#work();
    });
  }

  /** Callers from now on do not share a hold with those that wait: another one stands between them in the lock's queue. */
  seal(): void {
    this.#series++;
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    while (this.#waiting.size > 0) await this.#holdOnce();
    this.#isAtWork = false;
    this.#timer?.clear();
    this.#firesAt = Infinity;
  }

  async #holdOnce(): Promise<void> {
    const { signal } = (this.#noneLeft = new AbortController());
    const [first] = this.#waiting;
    let batch: readonly Entry<Token>[] = [];
    let outcome: Written = { count: 0 };
    let texts: string[] = [];
    let hasRun = false;
    try {
      await this.#parts.hold(signal, async (token) => {
        hasRun = true;
        ({ batch, texts } = this.#take(token));
        if (batch.length > 0) outcome = await this.#parts.write(texts, token);
      });
    } catch (error) {
      const isForNone = signal.aborted && !hasRun;
      const failed = hasRun ? batch : isForNone ? [] : this.#takeSeries(first?.series);
      for (const [i, { settle }] of failed.entries())
        settle({ is: this.#parts.failureOf(error, texts[i] ?? '') });
      return;
    }
    this.#settle(batch, texts, outcome);
  }

  #settle(batch: readonly Entry<Token>[], texts: readonly string[], outcome: Written): void {
    const isWhole = outcome.error === undefined;
    const count = isWhole ? batch.length : outcome.count;
    for (const { settle } of batch.slice(0, count)) settle();
    if (isWhole) return;
    const failedUpTo = outcome.isRestUntouched === true ? count + 1 : batch.length;
    for (let i = count; i < failedUpTo; i++) {
      batch[i]?.settle({ is: this.#parts.failureOf(outcome.error, texts[i] ?? '') });
    }
    this.#comeBack(batch.slice(failedUpTo));
  }

  /** Texts that were not written stand at the head of the queue again, if their callers still want them. */
  #comeBack(rest: readonly Entry<Token>[]): void {
    const wanted = rest.filter(({ appending: { signal }, settle }) => {
      if (signal?.aborted === true) settle({ is: this.#parts.canceledOf(signal.reason) });
      return signal?.aborted !== true;
    });
    this.#waiting = new Set([...wanted, ...this.#waiting]);
    const next = Math.min(...wanted.map(({ deadlineAt }) => deadlineAt));
    if (next < this.#firesAt) this.#arm(next);
  }

  /** What one hold writes. From here on its callers can neither time out nor cancel. */
  #take(token: Token): { batch: Entry<Token>[]; texts: string[] } {
    const batch: Entry<Token>[] = [];
    const texts: string[] = [];
    let characters = 0;
    const most = this.#parts.batch ?? BATCH;
    const [first] = this.#waiting;
    for (const entry of this.#waiting) {
      if (entry.series !== first?.series || batch.length >= most.texts || characters >= most.characters)
        break;
      this.#waiting.delete(entry);
      try {
        const text = entry.appending.linesUnder(token);
        batch.push(entry);
        texts.push(text);
        characters += text.length;
      } catch (error) {
        entry.settle({ is: error });
      }
    }
    return { batch, texts };
  }

  #takeSeries(series: number | undefined): Entry<Token>[] {
    const taken = [...this.#waiting].filter((entry) => entry.series === series);
    for (const entry of taken) this.#waiting.delete(entry);
    return taken;
  }

  #leave(entry: Entry<Token>): boolean {
    if (!this.#waiting.delete(entry)) return false;
    if (this.#waiting.size === 0) this.#noneLeft.abort();
    return true;
  }

  /** One timer for all: it goes on when the caller that it was set for is served, and then looks for the next. */
  #arm(at: number): void {
    const { clock } = this.#parts;
    this.#timer?.clear();
    this.#firesAt = at;
    if (at < Infinity) this.#timer = clock.setTimer(Math.max(0, at - clock.now()), this.#expire);
  }

  readonly #expire = (): void => {
    this.#firesAt = Infinity;
    const now = this.#parts.clock.now();
    let next = Infinity;
    for (const entry of this.#waiting) {
      // Below a millisecond it is the timer's own rounding.
      if (entry.deadlineAt - now >= 1) next = Math.min(next, entry.deadlineAt);
      else if (this.#leave(entry)) void this.#timeOut(entry);
    }
    this.#arm(next);
  };

  async #timeOut({ appending, settle }: Entry<Token>): Promise<void> {
    settle({ is: await this.#parts.timeoutOf(appending) });
  }
}
