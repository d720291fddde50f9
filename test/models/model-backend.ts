import type { AcquireRequest, Attempt, Backend, Capabilities, Grant, Mode } from '../../src/core/backend.js';

export type Kind = 'queues' | 'polled' | 'slow';

interface Asked {
  readonly request: AcquireRequest;
  readonly answer: () => void;
}

/**
 * A lock that the test holds in its hands: it grants when asked to and tells who holds.
 * `queues`: answers at once and queues by itself, as flock does. `polled`: answers at once, must be asked again.
 * `slow`: answers when {@link answerNext} is called, as a network engine does.
 */
export class ModelBackend implements Backend {
  readonly name = 'model';
  readonly capabilities: Capabilities = {
    modes: ['exclusive', 'shared'],
    reach: 'network',
    orphan: 'released',
    fencing: false,
  };
  readonly holders = new Map<string, Mode>();
  /** What its user did wrong. */
  readonly violations: string[] = [];
  /** A holder in another program. */
  foreign: Mode | undefined;
  readonly #asked: Asked[] = [];
  readonly #queue = new Set<Asked>();
  waitAcquire?: (request: AcquireRequest, signal: AbortSignal) => Promise<Grant>;
  readonly #kind: Kind;

  constructor(kind: Kind) {
    this.#kind = kind;
    if (kind === 'queues') this.waitAcquire = (request, signal) => this.#wait(request, signal);
  }

  tryAcquire(request: AcquireRequest): Attempt | Promise<Attempt> {
    if (this.#queue.size > 0) this.violations.push('two callers at the head');
    if (this.#kind !== 'slow') return this.#decide(request);
    return new Promise((resolve) => {
      this.#asked.push({ request, answer: () => resolve(this.#decide(request)) });
    });
  }

  /** Lets the oldest unanswered call have its answer; false when there is none. */
  answerNext(): boolean {
    const next = this.#asked.shift();
    next?.answer();
    return next !== undefined;
  }

  /** The other program comes or goes. */
  setForeign(mode: Mode | undefined): void {
    if (mode !== undefined && !this.#hasRoom(mode)) return;
    this.foreign = mode;
    this.#advance();
  }

  get waiting(): number {
    return this.#queue.size + this.#asked.length;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #wait(request: AcquireRequest, signal: AbortSignal): Promise<Grant> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const asked: Asked = { request, answer: () => resolve(this.#hold(request)) };
      this.#queue.add(asked);
      signal.addEventListener('abort', () => {
        if (this.#queue.delete(asked)) reject(signal.reason);
      });
      this.#advance();
    });
  }

  #decide(request: AcquireRequest): Attempt {
    if (!this.#hasRoom(request.mode)) return { kind: 'contended' };
    return { kind: 'granted', grant: this.#hold(request) };
  }

  #hasRoom(mode: Mode): boolean {
    const modes = [...this.holders.values(), ...(this.foreign === undefined ? [] : [this.foreign])];
    return mode === 'shared' ? !modes.includes('exclusive') : modes.length === 0;
  }

  #hold({ holderId, mode }: AcquireRequest): Grant {
    this.holders.set(holderId, mode);
    return {
      check: () => undefined,
      onLost: () => undefined,
      release: () => {
        if (!this.holders.delete(holderId)) this.violations.push(`${holderId} was released twice`);
        this.#advance();
      },
    };
  }

  #advance(): void {
    for (const asked of this.#queue) {
      if (!this.#hasRoom(asked.request.mode)) return;
      this.#queue.delete(asked);
      asked.answer();
    }
  }
}
