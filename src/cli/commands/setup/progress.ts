import type { Clock, Timer } from '../../../core/time.js';
import { formatDuration } from '../../../core/duration.js';
import type { ProvisionEvent, Stage } from '../../../provision/events.js';
import { note, showStatus } from '../../output.js';
import { isStderrLive, stderrColumns } from '../../terminal.js';
import { fit } from '../../render/text.js';

const REPAINT_MS = 200;
/** Without a terminal: a sign of life while one step runs. */
const STILL_EVERY_MS = 30_000;
const NAMES: Readonly<Record<Stage, string>> = {
  prerequisites: 'checking prerequisites',
  clone: 'cloning',
  submodules: 'cloning submodules',
  download: 'downloading',
  unpack: 'unpacking',
  build: 'building',
  verify: 'verifying',
  sync: 'writing to disk',
  stamp: 'stamping',
  swap: 'switching over',
};

/**
 * Prints to stderr what an install does: on a terminal one line that is rewritten, with the running step, its time and
 * the last output; elsewhere a line per step. An install that finds everything done says one line.
 */
export class SetupProgress {
  readonly onEvent = (event: ProvisionEvent): void => {
    if (event.type === 'step-failed') this.#showTail(event.step, event.tail, event.logPath);
    else if (event.type === 'note') this.#line(`${event.recipe}: ${event.text}`);
    else if (this.#isQuiet) return;
    else this.#show(event);
  };

  readonly #clock: Clock;
  readonly #isQuiet: boolean;
  readonly #isLive: boolean;
  readonly #startedAt: number;
  #label = '';
  #stepStartedAt = 0;
  #lastOutput = '';
  #timer: Timer | undefined;

  constructor(clock: Clock, isQuiet: boolean) {
    this.#clock = clock;
    this.#isQuiet = isQuiet;
    this.#isLive = isStderrLive();
    this.#startedAt = clock.now();
  }

  /** Nothing is left on the terminal's line, and no timer runs. */
  end(): void {
    this.#timer?.clear();
    this.#timer = undefined;
    if (this.#isLive && this.#label !== '') showStatus();
    this.#label = '';
  }

  #show(event: ProvisionEvent): void {
    switch (event.type) {
      case 'stage':
        return this.#begin(event.recipe, event.stage, event.step);
      case 'output':
        if (event.line.trim() !== '') this.#lastOutput = event.line.trim();
        return;
      case 'retry': {
        const { attempt, attempts, delayMs, reason } = event;
        return this.#line(
          `${event.recipe}: attempt ${attempt} of ${attempts} failed: ${reason}; again in ${formatDuration(delayMs)}`,
        );
      }
      case 'done': {
        const time = event.outcome === 'cached' ? '' : ` after ${this.#since(this.#startedAt)}`;
        this.end();
        return this.#line(`${event.recipe}: ${event.outcome}${time}: ${event.dir}`);
      }
    }
  }

  #begin(recipe: string, stage: Stage, step: string | undefined): void {
    this.#timer?.clear();
    this.#label = `${recipe}: ${NAMES[stage]}${step === undefined ? '' : ` (${step})`}`;
    this.#stepStartedAt = this.#clock.now();
    this.#lastOutput = '';
    if (this.#isLive) return this.#repaint();
    this.#line(`${this.#label}, ${this.#since(this.#startedAt)} in all`);
    this.#armStill();
  }

  #armStill(): void {
    this.#timer = this.#clock.setTimer(
      STILL_EVERY_MS,
      () => {
        this.#line(`${this.#label}, still running after ${this.#since(this.#stepStartedAt)}`);
        this.#armStill();
      },
      { keepsProcessAlive: false },
    );
  }

  #repaint(): void {
    const times = `${this.#since(this.#stepStartedAt)}, ${this.#since(this.#startedAt)} in all`;
    const output = this.#lastOutput === '' ? '' : `: ${this.#lastOutput}`;
    const width = stderrColumns() - 1;
    showStatus(fit(`${this.#label} ${times}${output}`, width));
    this.#timer = this.#clock.setTimer(REPAINT_MS, () => this.#repaint(), { keepsProcessAlive: false });
  }

  #line(text: string): void {
    if (this.#isLive && this.#label !== '') showStatus();
    note(`holdfast: ${text}`);
  }

  #showTail(step: string, tail: readonly string[], logPath: string): void {
    this.end();
    note(`holdfast: the last ${tail.length} lines of "${step}" (all of it in "${logPath}"):`);
    for (const line of tail) note(`  ${line}`);
  }

  #since(startedAt: number): string {
    return formatDuration(Math.floor((this.#clock.now() - startedAt) / 1_000) * 1_000).replace(
      /^0 ms$/,
      '0 s',
    );
  }
}
