import fc from 'fast-check';

import type { AcquireRequest, Grant, Mode } from '../../src/core/backend.js';
import { Waiter, type PassHold, type ResourceQueue } from '../../src/core/queue.js';

/** What callers can do to a queue; indexes are taken modulo what is there. */
type Step =
  | { readonly do: 'arrive'; readonly mode: Mode }
  | { readonly do: 'leave'; readonly index: number }
  | { readonly do: 'granted' }
  | { readonly do: 'fail' }
  | { readonly do: 'try'; readonly mode: Mode }
  | { readonly do: 'release'; readonly index: number }
  | { readonly do: 'pass on'; readonly isPossible: boolean }
  | { readonly do: 'pause' }
  | { readonly do: 'resume' };

const mode = fc.constantFrom<Mode>('exclusive', 'shared');
const index = fc.nat(9);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('arrive' as const), mode }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const), index }) },
    { weight: 4, arbitrary: fc.constant({ do: 'granted' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'fail' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('try' as const), mode }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), index }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('pass on' as const), isPossible: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant({ do: 'pause' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'resume' as const }) },
  ),
  { maxLength: 60 },
);

interface Caller {
  readonly id: number;
  readonly mode: Mode;
}

/** One who waits in the queue under test, and says what happens to it. */
export class ModelWaiter extends Waiter {
  readonly mode: Mode;
  readonly #onTurn: () => void;
  readonly #onPassed: () => void;

  constructor(wanted: Mode, onTurn: () => void, onPassed: () => void = () => undefined) {
    super();
    this.mode = wanted;
    this.#onTurn = onTurn;
    this.#onPassed = onPassed;
  }

  onTurn(): void {
    this.#onTurn();
  }

  takeOver(pass: PassHold): boolean {
    if (pass({} as AcquireRequest) === undefined) return false;
    this.#onPassed();
    return true;
  }
}

/** The reference: the same rules as plain lists, computed anew at every step. */
class Reference {
  waiting: Caller[] = [];
  head: Caller | undefined;
  holds: Mode[] = [];
  isPaused = false;

  hasRoom(wanted: Mode): boolean {
    return wanted === 'shared' ? !this.holds.includes('exclusive') : this.holds.length === 0;
  }

  /** Whose turn it is now, if anybody's. */
  advance(): Caller | undefined {
    const next = this.waiting[0];
    if (next === undefined || this.head !== undefined || this.isPaused || !this.hasRoom(next.mode)) {
      return undefined;
    }
    this.waiting.shift();
    this.head = next;
    return next;
  }
}

/** Drives queue and reference side by side. */
class Comparison {
  readonly reference = new Reference();
  readonly #queue: ResourceQueue;
  readonly #waiters = new Map<number, ModelWaiter>();
  #passedTo: number | undefined;
  #turns: number[] = [];
  #count = 0;

  constructor(create: (onIdle: () => void) => ResourceQueue) {
    this.#queue = create(() => this.#onIdle());
  }

  take(step: Step): void {
    this.#turns = [];
    const { reference } = this;
    const queue = this.#queue;
    switch (step.do) {
      case 'arrive':
        return this.#arrive(step.mode);
      case 'leave': {
        const caller = reference.waiting[step.index % Math.max(1, reference.waiting.length)];
        if (caller === undefined) return;
        reference.waiting = reference.waiting.filter((other) => other !== caller);
        const waiter = this.#waiters.get(caller.id) as ModelWaiter;
        if (!queue.leave(waiter)) throw new Error('one who waited could not leave');
        if (queue.leave(waiter)) throw new Error('one left twice');
        return this.#compare();
      }
      case 'granted':
        // The backend grants nothing beside a hold that came by a try.
        if (reference.head === undefined || !reference.hasRoom(reference.head.mode)) return;
        reference.holds.push(reference.head.mode);
        queue.leaveHeadHolding(this.#leaveHead().mode);
        return this.#compare();
      case 'fail':
        if (reference.head === undefined) return;
        this.#leaveHead();
        queue.leaveHead();
        return this.#compare();
      case 'try':
        if (queue.hasRoomFor(step.mode) !== reference.hasRoom(step.mode)) throw new Error('room differs');
        if (!reference.hasRoom(step.mode)) return;
        reference.holds.push(step.mode);
        return queue.addHold(step.mode);
      case 'release': {
        const at = step.index % Math.max(1, reference.holds.length);
        const [held] = reference.holds.splice(at, 1);
        if (held === undefined) return;
        queue.removeHold(held);
        return this.#compare();
      }
      case 'pass on':
        return this.#passOn(step.isPossible);
      case 'pause':
        reference.isPaused = true;
        return queue.pause();
      case 'resume':
        reference.isPaused = false;
        queue.resume();
        return this.#compare();
    }
  }

  #arrive(wanted: Mode): void {
    const { reference } = this;
    const caller = { id: ++this.#count, mode: wanted };
    const mayEnter = reference.waiting.length === 0 && reference.head === undefined && !reference.isPaused;
    const enters = mayEnter && reference.hasRoom(wanted);
    if (this.#queue.tryTakeHead(wanted) !== enters) throw new Error(`tryTakeHead should say ${enters}`);
    if (enters) {
      reference.head = caller;
    } else {
      reference.waiting.push(caller);
      const waiter = new ModelWaiter(
        wanted,
        () => this.#turns.push(caller.id),
        () => (this.#passedTo = caller.id),
      );
      this.#waiters.set(caller.id, waiter);
      this.#queue.join(waiter);
    }
    this.#compare();
  }

  /** The exclusive hold, if there is one, ends; the backend can make it another's or not. */
  #passOn(isPossible: boolean): void {
    const { reference } = this;
    if (!reference.holds.includes('exclusive')) return;
    const [first] = reference.waiting;
    const isDue =
      isPossible && first?.mode === 'exclusive' && reference.head === undefined && !reference.isPaused;
    this.#passedTo = undefined;
    const wasPassed = this.#queue.passHold(() => (isPossible ? ({} as Grant) : undefined));
    if (wasPassed !== isDue || this.#passedTo !== (isDue ? first.id : undefined)) {
      throw new Error(`passed on to ${this.#passedTo}, the reference says: ${isDue ? first.id : 'to none'}`);
    }
    if (isDue) reference.waiting.shift();
    this.#compare();
  }

  #leaveHead(): Caller {
    const caller = this.reference.head as Caller;
    this.reference.head = undefined;
    return caller;
  }

  #compare(): void {
    const expected = this.reference.advance()?.id;
    const wanted = expected === undefined ? '' : String(expected);
    if (this.#turns.join() !== wanted) {
      throw new Error(`turns given: [${this.#turns.join()}], the reference says: [${wanted}]`);
    }
    if (this.#queue.isHeadTaken !== (this.reference.head !== undefined)) throw new Error('the head differs');
  }

  #onIdle(): void {
    const { waiting, head, holds, isPaused } = this.reference;
    // The reference is a step ahead of the queue, so all that is left there must be nothing.
    if (waiting.length > 0 || head !== undefined || holds.length > 0 || isPaused) {
      throw new Error('idle, although somebody is there');
    }
  }
}

function property(create: (onIdle: () => void) => ResourceQueue) {
  return fc.property(steps, (taken) => {
    const comparison = new Comparison(create);
    for (const step of taken) comparison.take(step);
    // In the end everybody gets in, in turn, if only those ahead go.
    const { reference } = comparison;
    comparison.take({ do: 'resume' });
    for (let n = 0; reference.waiting.length > 0 || reference.head !== undefined; n++) {
      if (n > 1_000) throw new Error('somebody waits for ever');
      const { head } = reference;
      if (head !== undefined && reference.hasRoom(head.mode)) comparison.take({ do: 'granted' });
      else comparison.take({ do: 'release', index: 0 });
    }
  });
}

export const exploreQueue = Object.assign(
  (create: (onIdle: () => void) => ResourceQueue, options: { numRuns: number }): void =>
    fc.assert(property(create), options),
  { property },
);
