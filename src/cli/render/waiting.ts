import type { HolderInfo } from '../../core/backend.js';
import type { Clock, Timer } from '../../core/time.js';
import { formatDuration } from '../../core/duration.js';
import type { WaitEvent } from '../../core/events.js';
import type { Timeout } from '../../core/timeout.js';
import { note, showStatus } from '../output.js';
import { isStderrLive, stderrColumns } from '../terminal.js';
import { holdersInShort } from './holder.js';
import { columnsOf, fit } from './text.js';

/** A person must see within 100 ms that there is a wait; names that take longer to find come with the next line. */
const NAMES_WITHIN_MS = 70;
const REPAINT_MS = 500;
/** Without a terminal: after 5, 10 and 30 s, then each minute. */
const LINES_AFTER_MS = [5_000, 10_000, 30_000] as const;
const LINE_EVERY_MS = 60_000;

/** The terminal echoes ^C behind the line; if that wrapped, only the second half could be cleared. */
const SPARE_COLUMNS = 3;

export interface WaitReportOptions {
  /** What is waited for, as the user named it. */
  readonly address: string;
  readonly timeout: Timeout;
  readonly clock: Clock;
  /** `got` when the wait ends with the lock, something else where nothing is taken. */
  readonly success?: string;
}

/**
 * Prints to stderr that a command waits, for which holder and how long: a status line on a terminal, now and then a line
 * elsewhere, at the end one about the outcome. Feed it with `onWait`. A wait that ends at once stays silent.
 */
export class WaitReport {
  readonly #options: WaitReportOptions;
  readonly #isLive = isStderrLive();
  #holders: readonly HolderInfo[] | undefined;
  #startedAt = 0;
  #nextLineMs: number = LINES_AFTER_MS[0];
  #isOutage = false;
  #isShown = false;
  #hasEnded = false;
  #timer: Timer | undefined;

  constructor(options: WaitReportOptions) {
    this.#options = options;
  }

  readonly onWait = (event: WaitEvent): void => {
    this.#isOutage = event.outage !== undefined;
    if (event.type === 'started') {
      this.#startedAt = this.#options.clock.now() - event.waitedMs;
      this.#showWithin(NAMES_WITHIN_MS, this.#look(event));
    } else if (event.type === 'progress') {
      // The present holder costs a look at /proc: only for lines that are shown.
      if (this.#isLive) void this.#look(event);
      else if (event.waitedMs >= this.#nextLineMs)
        void this.#look(event).then(() => this.#laterLine(event.waitedMs));
    } else {
      this.#end(event.type, event.waitedMs);
    }
  };

  /** Reads the holders again; what cannot be known is not shown. */
  async #look(event: WaitEvent): Promise<void> {
    try {
      this.#holders = await event.inspect();
    } catch {
      this.#holders = undefined;
    }
  }

  #showWithin(delayMs: number, names: Promise<void>): void {
    const show = (): void => {
      this.#timer?.clear();
      if (this.#isShown || this.#hasEnded) return;
      this.#isShown = true;
      if (this.#isLive) this.#paint();
      else this.#line('waiting for', '');
    };
    this.#timer = this.#options.clock.setTimer(delayMs, show, { keepsProcessAlive: false });
    void names.then(show);
  }

  #paint(): void {
    showStatus(this.#statusLine(stderrColumns() - SPARE_COLUMNS));
    this.#timer = this.#options.clock.setTimer(REPAINT_MS, () => this.#paint(), { keepsProcessAlive: false });
  }

  /** The longest form that fits: what matters least goes first. */
  #statusLine(width: number): string {
    const { address } = this.#options;
    const waited = formatDuration(Math.floor(this.#waitedMs() / 1_000) * 1_000).replace(/^0 ms$/, '0 s');
    const heldBy = this.#inTheWay();
    const head = `Waiting for ${address} ${waited}`;
    const forms = [
      `${head}${heldBy}; ${String(this.#options.timeout)}; Ctrl-C to cancel`,
      `${head}${heldBy}; Ctrl-C to cancel`,
      `${head}${heldBy}`,
    ];
    return fit(forms.find((form) => columnsOf(form) <= width) ?? `${head}${heldBy}`, width);
  }

  #laterLine(waitedMs: number): void {
    if (this.#hasEnded) return;
    this.#nextLineMs =
      LINES_AFTER_MS.find((mark) => mark > waitedMs) ??
      (Math.floor(waitedMs / LINE_EVERY_MS) + 1) * LINE_EVERY_MS;
    this.#line('still waiting for', ` after ${formatDuration(Math.round(waitedMs / 1_000) * 1_000)}`);
  }

  #line(verb: string, waited: string): void {
    const { address } = this.#options;
    note(
      `holdfast: ${verb} "${address}"${waited}${this.#inTheWay()}; ${String(this.#options.timeout)}; Ctrl-C to cancel`,
    );
  }

  #end(outcome: Exclude<WaitEvent['type'], 'started' | 'progress'>, waitedMs: number): void {
    this.#hasEnded = true;
    this.#timer?.clear();
    if (!this.#isShown) return;
    if (this.#isLive) showStatus();
    // How a wait failed is said by the error, which knows more.
    if (outcome !== 'acquired') return;
    const { address, success = 'got' } = this.#options;
    note(`holdfast: ${success} "${address}" after ${formatDuration(waitedMs)}`);
  }

  #inTheWay(): string {
    if (this.#isOutage) return ', whose server does not answer';
    const names = holdersInShort(this.#holders, new Date(this.#options.clock.wallNow()));
    return names === undefined ? '' : `, held by ${names}`;
  }

  #waitedMs(): number {
    return this.#options.clock.now() - this.#startedAt;
  }
}
