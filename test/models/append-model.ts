import fc from 'fast-check';

import type { AppendParts, AppendQueue, Written } from '../../src/durable/append-queue.js';
import { Timeout } from '../../src/core/timeout.js';
import { InventedClock, settle } from './invented-clock.js';

export type Create = (parts: AppendParts<string>) => AppendQueue<string>;

type WriteResult =
  { readonly kind: 'whole' | 'unsynced' | 'refused' } | { readonly kind: 'cut'; readonly at: number };

type Step =
  | {
      readonly do: 'append';
      readonly timeoutMs: number;
      readonly signal: number | undefined;
      readonly isBad: boolean;
    }
  | {
      readonly do: 'grant';
      readonly result: WriteResult;
      readonly endsWell: boolean;
      readonly wait: number;
    }
  | { readonly do: 'refuse' }
  | { readonly do: 'abort'; readonly signal: number }
  | { readonly do: 'advance'; readonly byMs: number }
  | { readonly do: 'seal' };

const SIGNALS = 3;
const BATCH = { texts: 3, characters: 40 };

const result: fc.Arbitrary<WriteResult> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'whole' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'unsynced' as const }, { kind: 'refused' as const }) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      timeoutMs: fc.constantFrom(Infinity, Infinity, 5, 20),
      signal: fc.option(fc.nat(SIGNALS - 1), { nil: undefined, freq: 3 }),
      isBad: fc.constantFrom(false, false, false, false, true),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      result,
      endsWell: fc.constantFrom(true, true, true, false),
      wait: fc.nat(25),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'refuse' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), signal: fc.nat(SIGNALS - 1) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), byMs: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'seal' as const }) },
);

interface Caller {
  readonly id: number;
  readonly deadlineAt: number;
  readonly series: number;
  state: 'waiting' | 'taken' | 'resolved' | 'rejected';
  error?: string;
}

interface PendingHold {
  readonly grant: (result: WriteResult, endsWell: boolean, wait: number) => Promise<void>;
  readonly refuse: () => void;
  isOver: boolean;
}

/** The file, the lock and the callers, as the rules want them. */
class World {
  readonly clock = new InventedClock();
  readonly callers: Caller[] = [];
  readonly signals = Array.from({ length: SIGNALS }, () => new AbortController());
  readonly #queue: AppendQueue<string>;
  /** In the file, in order; and what of it is on disk under a hold that ended well. */
  readonly #touched: number[] = [];
  readonly #durable = new Set<number>();
  readonly #excused = new Set<string>();
  #fault: string | undefined;
  #series = 0;
  #holds = 0;
  hold: PendingHold | undefined;

  constructor(create: Create) {
    this.#queue = create({
      clock: this.clock,
      batch: BATCH,
      hold: (signal, work) => this.#hold(signal, work),
      write: (texts) => this.#write(texts),
      failureOf: (error) => error,
      timeoutOf: () => Promise.resolve(new Error('timeout')),
      canceledOf: () => new Error('canceled'),
    });
  }

  append({ timeoutMs, signal, isBad }: Step & { do: 'append' }): void {
    const id = this.callers.length;
    const deadlineAt = this.clock.now() + timeoutMs;
    const caller: Caller = { id, deadlineAt, series: this.#series, state: 'waiting' };
    this.callers.push(caller);
    if (isBad) this.#excused.add(`${id} bad`);
    const linesUnder = (): string => {
      // Not thrown: the queue takes what is thrown here for the caller's own fault.
      if (caller.state !== 'waiting') this.#fault ??= `text ${id} was asked for, although it is over`;
      caller.state = 'taken';
      if (isBad) throw new Error('bad');
      return String(id).padEnd(id % 3 === 0 ? 45 : 12, '.');
    };
    void this.#queue
      .append({
        linesUnder,
        timeout: new Timeout(timeoutMs, 'model'),
        signal: signal === undefined ? undefined : this.signals[signal]?.signal,
      })
      .then(
        () => {
          caller.state = 'resolved';
        },
        (error: Error) => {
          caller.state = 'rejected';
          caller.error = error.message;
        },
      );
  }

  seal(): void {
    this.#series++;
    this.#queue.seal();
  }

  #hold(signal: AbortSignal, work: (token: string) => Promise<void>): Promise<void> {
    if (this.hold?.isOver === false) this.#fault ??= 'two holds at once';
    const number = ++this.#holds;
    return new Promise((resolve, reject) => {
      const hold: PendingHold = {
        isOver: false,
        grant: async (write, endsWell, wait) => {
          this.#next = write;
          this.#written = [];
          this.#asked = [];
          await work(`hold ${number}`).then(
            async () => {
              this.clock.advance(wait);
              await settle();
              hold.isOver = true;
              if (endsWell) for (const id of this.#written) this.#durable.add(id);
              if (endsWell) resolve();
              else reject(this.#excuse(this.#asked, 'lost'));
            },
            (error: unknown) => {
              hold.isOver = true;
              reject(error as Error);
            },
          );
        },
        refuse: () => {
          hold.isOver = true;
          const waiting = this.callers.filter(({ state }) => state === 'waiting');
          reject(this.#excuse(waiting.map(({ id }) => id), 'refused')); // prettier-ignore
        },
      };
      this.hold = hold;
      signal.addEventListener('abort', () => {
        if (hold.isOver || this.#isGranted(hold)) return;
        hold.isOver = true;
        reject(new Error('canceled for all'));
      });
    });
  }

  #granted: PendingHold | undefined;
  #isGranted(hold: PendingHold): boolean {
    return this.#granted === hold;
  }

  #next: WriteResult = { kind: 'whole' };
  #asked: number[] = [];
  #written: number[] = [];

  #excuse(ids: readonly number[], error: string): Error {
    for (const id of ids) this.#excused.add(`${id} ${error}`);
    return new Error(error);
  }

  async #write(texts: readonly string[]): Promise<Written> {
    const ids = texts.map((text) => Number.parseInt(text, 10));
    this.#asked = ids;
    const beforeLast = texts.slice(0, -1).join('').length;
    if (ids.length > BATCH.texts || beforeLast >= BATCH.characters)
      this.#fault ??= `one hold writes ${ids.length} texts, ${beforeLast} characters before the last`;
    if (new Set(ids.map((id) => this.callers[id]?.series)).size > 1) this.#fault ??= 'a seal was passed';
    await settle();
    const next = this.#next;
    if (next.kind === 'refused') throw this.#excuse(ids, 'nothing written');
    const cutAt = next.kind === 'cut' ? Math.min(next.at, ids.length - 1) : ids.length;
    const touched = ids.slice(0, next.kind === 'cut' ? cutAt + 1 : ids.length);
    for (const id of touched) this.#touch(id);
    if (next.kind === 'unsynced') return { count: 0, error: this.#excuse(ids, 'unsynced') };
    this.#written = ids.slice(0, cutAt);
    if (next.kind === 'whole') return { count: ids.length };
    for (const { id } of this.callers) {
      // What comes back waits again.
      const caller = this.callers[id] as Caller;
      if (ids.indexOf(id) > cutAt) caller.state = 'waiting';
    }
    return { count: cutAt, error: this.#excuse(ids.slice(cutAt, cutAt + 1), 'cut'), isRestUntouched: true };
  }

  #touch(id: number): void {
    if (this.#touched.includes(id)) this.#fault ??= `text ${id} is written twice`;
    const last = this.#touched.at(-1);
    if (last !== undefined && last > id) this.#fault ??= `text ${id} is written after ${last}`;
    this.#touched.push(id);
  }

  grant(next: WriteResult, endsWell: boolean, wait: number): Promise<void> {
    const { hold } = this;
    if (hold === undefined || hold.isOver) return Promise.resolve();
    this.#granted = hold;
    return hold.grant(next, endsWell, wait);
  }

  refuse(): void {
    if (this.hold?.isOver === false) this.hold.refuse();
  }

  check(): void {
    if (this.#fault !== undefined) throw new Error(this.#fault);
    for (const { id, state, error, deadlineAt } of this.callers) {
      if (state === 'resolved' && !this.#durable.has(id)) throw new Error(`text ${id} resolved undurable`);
      if (state === 'waiting' && deadlineAt + 1 < this.clock.now())
        throw new Error(`text ${id} is past its deadline`);
      if (state !== 'rejected') continue;
      const isEarly = error === 'timeout' || error === 'canceled';
      if (isEarly && this.#touched.includes(id))
        throw new Error(`text ${id} is written, and told "${error}"`);
      if (error === 'timeout' && deadlineAt > this.clock.now()) throw new Error(`text ${id} timed out early`);
      if (!isEarly && !this.#excused.has(`${id} ${error}`))
        throw new Error(`text ${id} failed by "${error}" of another`);
    }
  }

  get open(): readonly Caller[] {
    return this.callers.filter(({ state }) => state === 'waiting' || state === 'taken');
  }
}

async function run(create: Create, steps: readonly Step[]): Promise<void> {
  const world = new World(create);
  for (const each of steps) {
    if (each.do === 'append') world.append(each);
    else if (each.do === 'grant') await world.grant(each.result, each.endsWell, each.wait);
    else if (each.do === 'refuse') world.refuse();
    else if (each.do === 'abort') {
      world.signals[each.signal]?.abort();
      world.signals[each.signal] = new AbortController();
    } else if (each.do === 'advance') world.clock.advance(each.byMs);
    else world.seal();
    world.clock.advance(0);
    await settle();
    world.check();
  }
  for (let rounds = 0; world.open.length > 0; rounds++) {
    if (rounds > steps.length) throw new Error(`${world.open.length} callers wait for ever`);
    await world.grant({ kind: 'whole' }, true, 0);
    await settle();
    world.check();
  }
  if (world.clock.armed > 0) throw new Error('a timer is left');
}

export const appendProperty = (create: Create): fc.IAsyncProperty<[Step[]]> =>
  fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => run(create, steps));
