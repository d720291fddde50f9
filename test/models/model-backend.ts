import type { AcquireRequest, Attempt, Backend, Capabilities, Grant, Mode } from '../../src/core/backend.js';

export type Kind = 'queues' | 'passes on' | 'polled' | 'slow';

interface Asked {
  readonly request: AcquireRequest;
  readonly answer: () => void;
}

/**
 * A lock that the test holds in its hands: it grants when asked to and tells who holds.
 * `queues`: answers at once and queues by itself. `passes on`: the same, and a hold can be made another caller's, as flock
 * does. `polled`: answers at once, must be asked again.
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
  passOn?: (grant: Grant, request: AcquireRequest) => Grant | undefined;
  /** The file of the lock was replaced: holds cannot be passed on. */
  isReplaced = false;
  /** How many holds followed each other without the lock being free, each time. */
  readonly cohorts: number[] = [];
  readonly #ids = new Map<Grant, string>();
  readonly #kind: Kind;

  constructor(kind: Kind) {
    this.#kind = kind;
    if (kind === 'queues' || kind === 'passes on')
      this.waitAcquire = (request, signal) => this.#wait(request, signal);
    if (kind === 'passes on') this.passOn = (grant, request) => this.#passOn(grant, request);
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

  #hold(request: AcquireRequest): Grant {
    this.cohorts.push(1);
    return this.#grant(request);
  }

  #grant({ holderId, mode, fencing }: AcquireRequest): Grant {
    this.holders.set(holderId, mode);
    const grant: Grant = {
      ...(fencing && { fencingToken: 1n }),
      check: () => undefined,
      onLost: () => undefined,
      release: () => {
        if (!this.holders.delete(holderId)) this.violations.push(`${holderId} was released twice`);
        this.#advance();
      },
    };
    this.#ids.set(grant, holderId);
    return grant;
  }

  /** Refuses what INV-HANDOFF forbids, loudly. */
  #passOn(grant: Grant, request: AcquireRequest): Grant | undefined {
    const giver = this.#ids.get(grant) ?? '';
    if (this.holders.get(giver) !== 'exclusive' || request.mode !== 'exclusive')
      this.violations.push('passed on what is not held alone');
    if (grant.fencingToken !== undefined || request.fencing) this.violations.push('passed on with a token');
    if (this.isReplaced) return undefined;
    const length = (this.cohorts.pop() ?? 0) + 1;
    this.cohorts.push(length);
    if (length > 64) this.violations.push('kept for too many holds');
    this.holders.delete(giver);
    return this.#grant(request);
  }

  #advance(): void {
    for (const asked of this.#queue) {
      if (!this.#hasRoom(asked.request.mode)) return;
      this.#queue.delete(asked);
      asked.answer();
    }
  }
}
