import fc from 'fast-check';

import type { acquire as Acquire } from '../../src/core/acquisition.js';
import type { Mode } from '../../src/core/backend.js';
import type { Guard } from '../../src/core/guard.js';
import type { Namespace } from '../../src/core/namespace.js';
import { resolveOptions } from '../../src/core/options.js';
import { InventedClock, settle } from './invented-clock.js';
import { ModelBackend, type Kind } from './model-backend.js';

/** The parts of core under test: the real ones, or a copy with a bug. */
export interface CoreParts {
  readonly acquire: typeof Acquire;
  readonly Namespace: typeof Namespace;
}

type Act =
  | { readonly do: 'arrive'; readonly mode: Mode; readonly timeoutMs: number; readonly fencing?: boolean }
  | { readonly do: 'replace'; readonly isReplaced: boolean }
  | { readonly do: 'abort' | 'release'; readonly index: number }
  | { readonly do: 'advance'; readonly byMs: number }
  | { readonly do: 'foreign'; readonly mode: Mode | undefined }
  | { readonly do: 'answer' | 'turns' };

/** What runs between an act and the next one: this many microtasks, or all that can. */
type Gap = 0 | 1 | 2 | 3 | 'all';
type Step = Act & { readonly gap: Gap };

const MICROTASK = Promise.resolve();

const mode = fc.constantFrom<Mode>('exclusive', 'exclusive', 'shared');
const index = fc.nat(9);
const gap = fc.constantFrom<Gap>(0, 0, 0, 1, 2, 3, 'all', 'all', 'all');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('arrive' as const),
      mode,
      timeoutMs: fc.constantFrom(10, 50, 200, 10_000, Infinity),
      fencing: fc.constantFrom(false, false, false, true),
      gap,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('abort' as const), index, gap }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), index, gap }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      byMs: fc.constantFrom(0.25, 0.5, 1, 10, 60, 300),
      gap,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('foreign' as const),
      mode: fc.constantFrom<Mode | undefined>('exclusive', 'shared', undefined, undefined),
      gap,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('answer' as const, 'turns' as const), gap }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('replace' as const), isReplaced: fc.boolean(), gap }),
  },
);

interface Call {
  readonly id: number;
  readonly mode: Mode;
  readonly stop: AbortController;
  readonly dueAt: number;
  wasAbortedInTime: boolean;
  guard: Guard | undefined;
  outcome: string | undefined;
}

class Run {
  readonly #clock = new InventedClock();
  readonly #backend: ModelBackend;
  readonly #parts: CoreParts;
  readonly #target;
  readonly #calls: Call[] = [];
  readonly #granted: number[] = [];
  /** No call is half way through the microtasks that lead from the grant to its caller. */
  #isSettled = true;
  /** The same, and nothing was done since. */
  #isQuiet = true;

  constructor(parts: CoreParts, kind: Kind) {
    this.#parts = parts;
    this.#backend = new ModelBackend(kind);
    const namespace = new parts.Namespace(this.#backend, this.#clock);
    this.#target = { namespace, resource: 'r', address: 'model:r' };
  }

  take(step: Step): void {
    this.#isQuiet = false;
    switch (step.do) {
      case 'arrive':
        this.#arrive(step);
        break;
      case 'abort': {
        const pending = this.#calls.filter(
          ({ outcome, guard }) => outcome === undefined && guard === undefined,
        );
        this.#abort(pending[step.index % Math.max(1, pending.length)]);
        break;
      }
      case 'release':
        this.#release(step.index);
        break;
      case 'advance':
        this.#clock.advance(step.byMs);
        break;
      case 'foreign':
        this.#backend.setForeign(step.mode);
        break;
      case 'replace':
        this.#backend.isReplaced = step.isReplaced;
        break;
      case 'answer':
        this.#backend.answerNext();
        break;
      case 'turns':
        this.#clock.takeTurns();
    }
    this.#check();
  }

  async settle(): Promise<void> {
    await settle();
    this.#isSettled = true;
    this.#isQuiet = true;
    this.#check();
  }

  /** One turn of the microtask queue, and no more: an async function would take several. */
  microtask(): Promise<void> {
    this.#isSettled = false;
    this.#check();
    return MICROTASK;
  }

  /** Everybody who holds goes, the other program too: then whoever still waits must get in and go. */
  async end(): Promise<void> {
    this.#backend.setForeign(undefined);
    for (let n = 0; ; n++) {
      await settle();
      this.#check();
      this.#release(0);
      this.#backend.answerNext();
      this.#clock.takeTurns();
      await settle();
      const isOver = this.#calls.every(({ outcome }) => outcome !== undefined);
      if (isOver && this.#backend.waiting === 0) break;
      if (n > 400)
        throw new Error(`a call never settles: ${JSON.stringify(this.#calls.map((c) => c.outcome))}`);
      // A polling backend is asked again after a pause.
      this.#clock.advance(n < 20 ? 0 : 1_000);
    }
    await settle();
    if (this.#backend.holders.size > 0)
      throw new Error('a grant leaked: it is held, and nobody has its guard');
    if (this.#clock.armed > 0) throw new Error(`${this.#clock.armed} timers are left armed`);
    this.#checkOrder();
  }

  #arrive({ mode: wanted, timeoutMs, fencing = false }: Extract<Act, { do: 'arrive' }>): void {
    const call: Call = {
      id: this.#calls.length,
      mode: wanted,
      stop: new AbortController(),
      dueAt: this.#clock.now() + timeoutMs,
      wasAbortedInTime: false,
      guard: undefined,
      outcome: undefined,
    };
    this.#calls.push(call);
    const before = this.#backend.holders.size;
    const options = resolveOptions(
      { mode: wanted, timeoutMs, signal: call.stop.signal, fencing: fencing && wanted === 'exclusive' },
      false,
    );
    const granted = this.#parts.acquire(this.#target, options);
    const wasAtOnce = this.#backend.holders.size > before;
    void granted.then(
      (guard) => {
        this.#granted.push(call.id);
        if (call.wasAbortedInTime && !wasAtOnce) call.outcome = 'granted after its abort';
        else call.guard = guard;
      },
      (error: Error & { code?: string }) => (call.outcome = error.code ?? error.message),
    );
  }

  #abort(call: Call | undefined): void {
    if (call === undefined) return;
    // Later than that an abort comes too late, and the caller gets its guard.
    call.wasAbortedInTime = this.#isSettled;
    call.stop.abort();
  }

  #release(index: number): void {
    const holding = this.#calls.filter(({ guard, outcome }) => guard !== undefined && outcome === undefined);
    const call = holding[index % Math.max(1, holding.length)];
    if (call === undefined) return;
    call.outcome = 'released';
    void call.guard?.release();
  }

  #check(): void {
    const holding = this.#calls.filter(({ guard, outcome }) => guard !== undefined && outcome === undefined);
    if (holding.length > 1 && holding.some(({ mode: held }) => held === 'exclusive')) {
      throw new Error('two hold what one may hold');
    }
    const [violation] = this.#backend.violations;
    if (violation !== undefined) throw new Error(violation);
    const late = this.#calls.find(
      ({ outcome, guard, dueAt }) =>
        outcome === undefined && guard === undefined && dueAt <= this.#clock.now(),
    );
    if (this.#isQuiet && late !== undefined) throw new Error('a deadline was missed');
    const strange = this.#calls.find(
      ({ outcome }) => !['released', 'HOLDFAST_TIMEOUT', 'HOLDFAST_CANCELED', undefined].includes(outcome),
    );
    if (strange !== undefined) throw new Error(`a call ended with: ${strange.outcome}`);
  }

  /** Arrival is the order of ids. */
  #checkOrder(): void {
    const order = this.#granted.join();
    if (order !== this.#granted.toSorted((a, b) => a - b).join())
      throw new Error(`granted in the order ${order}`);
  }
}

export function acquireProperty(parts: CoreParts) {
  const kinds = fc.constantFrom<Kind>('queues', 'passes on', 'passes on', 'polled', 'slow');
  return fc.asyncProperty(kinds, fc.array(step, { maxLength: 50 }), async (kind, steps) => {
    const run = new Run(parts, kind);
    for (const each of steps) {
      run.take(each);
      if (each.gap === 'all') await run.settle();
      else {
        for (let n = 0; n < each.gap; n++) await run.microtask();
      }
    }
    await run.end();
  });
}

/** Histories that chance finds too seldom: a grant and the abort of its caller in one turn. */
export const knownHistories: [Kind, Step[]][] = [
  [
    'queues',
    [
      { do: 'foreign', mode: 'exclusive', gap: 'all' },
      { do: 'arrive', mode: 'exclusive', timeoutMs: 10_000, gap: 'all' },
      { do: 'foreign', mode: undefined, gap: 0 },
      { do: 'abort', index: 0, gap: 0 },
    ],
  ],
  // One timer serves both deadlines.
  [
    'queues',
    [
      { do: 'foreign', mode: 'exclusive', gap: 'all' },
      { do: 'arrive', mode: 'exclusive', timeoutMs: 10, gap: 'all' },
      { do: 'advance', byMs: 1, gap: 'all' },
      { do: 'arrive', mode: 'exclusive', timeoutMs: 10, gap: 'all' },
      { do: 'advance', byMs: 9, gap: 'all' },
      { do: 'advance', byMs: 10, gap: 'all' },
    ],
  ],
  [
    'slow',
    [
      { do: 'arrive', mode: 'exclusive', timeoutMs: 10, gap: 0 },
      { do: 'answer', gap: 0 },
      { do: 'arrive', mode: 'exclusive', timeoutMs: 10, gap: 0 },
      { do: 'abort', index: 3, gap: 0 },
      { do: 'abort', index: 0, gap: 0 },
    ],
  ],
];
