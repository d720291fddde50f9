import { settleRenewal } from '../../src/core/lease.js';
import {
  beginClaim,
  stepClaim,
  type ClaimResult,
  type ClaimState,
  type ClaimStep,
} from '../../src/backends/lease/claim-steps.js';
import type { Effect, Outcome } from '../../src/backends/lease/effects.js';
import {
  beginRelease,
  beginRenewal,
  stepHold,
  type HoldResult,
  type HoldState,
  type HoldStep,
} from '../../src/backends/lease/hold-steps.js';
import { formatState, parseState, recordName, type HeldState } from '../../src/backends/lease/names.js';

/** The real rules, each replaceable by a broken one. */
export const REAL_RULES = {
  beginClaim,
  /** `issuedAt` is the clock before the effect was sent, for mutants that count from there. */
  stepClaim: (state: ClaimState, outcome: Outcome, now: number, _issuedAt: number): ClaimStep =>
    stepClaim(state, outcome, now),
  beginRenewal,
  beginRelease,
  stepHold,
  settleRenewal,
  /** A new one for every attempt. */
  holderIdFor: (process: number, attempt: number): string =>
    `${'abc'[process]}${'defghijk'[attempt]}`.repeat(13),
  /** Extra things that may happen to the directory. */
  meddle: (_names: readonly string[]): readonly (readonly string[])[] => [],
  /** Since when a name counts as seen, given what was remembered or is now to be. */
  sightedSince: (since: number): number => since,
};
export type Rules = typeof REAL_RULES;

export interface Limits {
  readonly rates: readonly number[];
  readonly leaseMs: number;
  readonly lastTick: number;
  readonly faults: number;
  readonly attempts: number;
  readonly renewals: number;
  /** Records are files like others, whose removal can be late. Multiplies the worlds, so only where they matter. */
  readonly hasRecords?: boolean;
}

/** One slow clock, one fast: 20 % apart. */
export const PAIR: Limits = {
  rates: [0.9, 1.1],
  leaseMs: 2_000,
  lastTick: 8,
  faults: 1,
  attempts: 2,
  renewals: 1,
};
export const TRIO: Limits = {
  rates: [0.9, 1.1, 1],
  leaseMs: 2_000,
  lastTick: 24,
  faults: 4,
  attempts: 4,
  renewals: 3,
};
/** A lease longer than what takeover waits beyond it, so that a wrong base for a renewal shows. */
export const LONG: Limits = {
  rates: [0.9, 1.1],
  leaseMs: 4_000,
  lastTick: 24,
  faults: 3,
  attempts: 3,
  renewals: 4,
};

type AnyStep = ClaimStep | HoldStep;

const TICK_MS = 1_000;
const FIRST = formatState({ kind: 'free', generation: 7 });

interface Hold {
  readonly base: HeldState;
  readonly deadline: number;
  readonly isLost: boolean;
}

interface Task {
  readonly kind: 'claim' | 'hold';
  readonly state: ClaimState | HoldState;
  readonly effect: Effect;
  /** Arrived at the server, and what it answered; the answer is still on its way. */
  readonly outcome?: Outcome;
  readonly issuedAt: number;
  /** The clock before a renewal. */
  readonly sentAt: number;
}

export interface Party {
  readonly attempts: number;
  readonly renewals: number;
  readonly task?: Task | undefined;
  readonly hold?: Hold | undefined;
  readonly sightings: Readonly<Record<string, number>>;
}

export interface World {
  readonly tick: number;
  readonly faults: number;
  readonly names: readonly string[];
  /** Older states of the directory that a cache may still show. */
  readonly past: readonly (readonly string[])[];
  /** Renames, and removals (no `to`), whose sender was told an error; they may yet be executed. */
  readonly late: readonly LateRequest[];
  readonly parties: readonly Party[];
  readonly lastToken: number;
  readonly violation?: string;
}

interface LateRequest {
  readonly from: string;
  readonly to?: string;
}

export interface Move {
  readonly label: string;
  readonly world: World;
}

export function firstWorld(limits: Limits): World {
  const party: Party = { attempts: 0, renewals: 0, sightings: {} };
  return {
    tick: 0,
    faults: limits.faults,
    names: [FIRST],
    past: [],
    late: [],
    parties: limits.rates.map(() => party),
    lastToken: 7,
  };
}

/** Everything that can happen next. */
export function moves(world: World, limits: Limits, rules: Rules): Move[] {
  const found: Move[] = [];
  const add = (label: string, next: World): void => void found.push({ label, world: judged(next, limits) });
  if (world.tick < limits.lastTick) add('time passes', { ...world, tick: world.tick + 1 });
  for (const [index, request] of world.late.entries()) {
    const rest = { ...world, late: world.late.filter((_, at) => at !== index) };
    add(`late: ${show(request)}`, carriedOut(rest, request) ?? rest);
  }
  for (const names of rules.meddle(world.names)) add('meddling', changed(world, names));
  world.parties.forEach((party, index) => {
    const turn = new Turn(world, limits, rules, index, party);
    for (const move of turn.moves()) add(`${'ABC'[index]} ${move.label}`, move.world);
  });
  return found;
}

/** INV-LEASE-1: never two inside their deadlines, each by its own clock. */
function judged(world: World, limits: Limits): World {
  if (world.violation !== undefined) return world;
  const believers = world.parties.filter(
    ({ hold }, index) => hold !== undefined && !hold.isLost && clockOf(world, limits, index) < hold.deadline,
  );
  if (believers.length > 1) return { ...world, violation: 'INV-LEASE-1 two believe to hold' };
  const isUnexplained = believers.some(
    ({ hold }) => hold !== undefined && !world.names.includes(recordName(hold.base.holderId)),
  );
  return isUnexplained && limits.hasRecords === true
    ? { ...world, violation: 'INV-LEASE-9 the record of a hold was swept' }
    : world;
}

function clockOf(world: World, limits: Limits, index: number): number {
  return Math.round(world.tick * TICK_MS * (limits.rates[index] as number));
}

/** One party's possible next moves. */
class Turn {
  readonly world: World;
  readonly limits: Limits;
  readonly rules: Rules;
  readonly index: number;
  readonly party: Party;
  readonly now: number;

  constructor(world: World, limits: Limits, rules: Rules, index: number, party: Party) {
    this.world = world;
    this.limits = limits;
    this.rules = rules;
    this.index = index;
    this.party = party;
    this.now = clockOf(world, limits, index);
  }

  moves(): Move[] {
    const { task, hold, attempts, renewals } = this.party;
    if (task !== undefined)
      return task.outcome === undefined ? this.#arrivals(task) : [this.#hear(task, task.outcome)];
    if (hold === undefined) return attempts < this.limits.attempts ? [this.#claim()] : [];
    // A lost guard changes nothing.
    if (hold.isLost || this.now >= hold.deadline)
      return [{ label: 'gives up', world: this.#with(this.world, IDLE) }];
    const released = { hold: { ...hold, isLost: true } };
    const found = [
      this.#send('releases', this.#with(this.world, released), 'hold', this.rules.beginRelease(hold.base)),
    ];
    if (renewals < this.limits.renewals) {
      const counted = this.#with(this.world, { renewals: renewals + 1 });
      found.push(this.#send('renews', counted, 'hold', this.rules.beginRenewal(hold.base)));
    }
    return found;
  }

  #with(world: World, change: Partial<Party>): World {
    const parties = world.parties.map((party, at) => (at === this.index ? { ...party, ...change } : party));
    return { ...world, parties };
  }

  #claim(): Move {
    const { attempts } = this.party;
    const holderId = this.rules.holderIdFor(this.index, attempts);
    const counted = this.#with(this.world, { attempts: attempts + 1 });
    return this.#send('asks', counted, 'claim', this.rules.beginClaim(holderId, this.limits.leaseMs, 0));
  }

  /** Follows the steps up to the next request whose arrival or answer can be late. */
  #send(label: string, world: World, kind: Task['kind'], first: AnyStep, sentAt = this.now): Move {
    let current = world;
    let step = first;
    while ('effect' in step) {
      const { state, effect } = step;
      const local = this.#local(current, effect, holderOf(state));
      if (local === undefined) {
        const task: Task = { kind, state, effect, issuedAt: this.now, sentAt };
        return { label, world: this.#with(current, { task }) };
      }
      current = local.world;
      step = this.#step(kind, state, local.outcome, this.now);
    }
    const ended = this.#with(current, { task: undefined });
    return kind === 'claim'
      ? this.#endClaim(ended, step.result as ClaimResult)
      : this.#endHold(ended, step.result as HoldResult, sentAt);
  }

  #step(kind: Task['kind'], state: Task['state'], outcome: Outcome, issuedAt: number): AnyStep {
    return kind === 'claim'
      ? this.rules.stepClaim(state as ClaimState, outcome, this.now, issuedAt)
      : this.rules.stepHold(state as HoldState, outcome);
  }

  /** Effects whose delay makes no difference that the next request's delay does not make. */
  #local(world: World, effect: Effect, holderId: string): { world: World; outcome: Outcome } | undefined {
    switch (effect.kind) {
      case 'list':
      case 'rename':
        return undefined;
      case 'sight': {
        const sightings = world.parties[this.index]?.sightings ?? {};
        const remembered = sightings[effect.name] ?? effect.at;
        const outcome = { kind: 'sighted', since: this.rules.sightedSince(remembered) } as const;
        return {
          world: this.#with(world, { sightings: { ...sightings, [effect.name]: remembered } }),
          outcome,
        };
      }
      case 'examine':
        return { world, outcome: { kind: 'examined', isDead: false } };
      case 'write-record': {
        const outcome = { kind: 'done' } as const;
        if (this.limits.hasRecords !== true) return { world, outcome };
        return { world: changed(world, [...world.names, recordName(holderId)]), outcome };
      }
      case 'unlink':
        if (this.limits.hasRecords === true) return undefined;
        return world.names.includes(effect.name)
          ? {
              world: changed(
                world,
                world.names.filter((name) => name !== effect.name),
              ),
              outcome: { kind: 'done' },
            }
          : { world, outcome: { kind: 'done' } };
      default:
        return { world, outcome: { kind: 'done' } };
    }
  }

  /** What can happen to a request: executed, refused, executed without an answer, or executed much later. */
  #arrivals(task: Task): Move[] {
    const { world } = this;
    const { effect } = task;
    const what = effect.kind === 'rename' || effect.kind === 'unlink' ? show(requestOf(effect)) : effect.kind;
    const answer = (label: string, next: World, outcome: Outcome): Move => ({
      label: `${label} ${what}`,
      world: this.#with(next, { task: { ...task, outcome } }),
    });
    const faults = world.faults - 1;
    if (effect.kind === 'list') {
      const found = [answer('fresh', world, { kind: 'listed', names: world.names })];
      if (faults < 0) return found;
      return [
        ...found,
        ...world.past.map((names) => answer('stale', { ...world, faults }, { kind: 'listed', names })),
      ];
    }
    if (effect.kind !== 'rename' && effect.kind !== 'unlink') return [];
    const request = requestOf(effect);
    const next = carriedOut(world, request);
    const failed = { kind: 'failed', error: { code: 'EIO' } } as const;
    const found: Move[] = [];
    if (next === undefined)
      found.push(answer('refused', world, { kind: 'failed', error: { code: 'ENOENT' } }));
    else found.push(answer('executed', next, { kind: 'done' }));
    if (faults < 0) return found;
    if (next !== undefined) found.push(answer('unanswered', { ...next, faults }, failed));
    found.push(answer('delayed', { ...world, faults, late: [...world.late, request] }, failed));
    return found;
  }

  #hear(task: Task, outcome: Outcome): Move {
    const step = this.#step(task.kind, task.state, outcome, task.issuedAt);
    return this.#send('hears', this.world, task.kind, step, task.sentAt);
  }

  #endClaim(world: World, result: ClaimResult): Move {
    if (result.kind !== 'granted') return { label: result.kind, world };
    const { generation, sentAt, name } = result;
    const base = parseState(name);
    if (base?.kind !== 'held') throw new Error(`${name} is no hold`);
    const hold = { base, deadline: sentAt + this.limits.leaseMs, isLost: false };
    const held: World = { ...this.#with(world, { hold, renewals: 0 }), lastToken: generation };
    // INV-LEASE-2: each generation is granted once, in rising order.
    const isRising = generation > world.lastToken;
    return {
      label: `holds ${generation}`,
      world: isRising ? held : { ...held, violation: 'INV-LEASE-2 token repeats' },
    };
  }

  #endHold(world: World, result: HoldResult, sentAt: number): Move {
    const { hold } = this.party;
    if (result.kind !== 'renewal' || hold === undefined)
      return { label: result.kind, world: this.#with(world, IDLE) };
    const settled = this.rules.settleRenewal(
      result.outcome,
      sentAt,
      this.now,
      hold.deadline,
      this.limits.leaseMs,
    );
    const kept: Hold = {
      base: result.base,
      deadline: settled.kind === 'held' ? settled.deadline : hold.deadline,
      isLost: settled.kind === 'lost',
    };
    const next = this.#with(world, { hold: kept });
    const isRevived = (hold.isLost || this.now >= hold.deadline) && settled.kind === 'held';
    const violation = 'INV-LEASE-7 a lost hold is held again';
    return { label: `renewal ${settled.kind}`, world: isRevived ? { ...next, violation } : next };
  }
}

const IDLE = { hold: undefined, renewals: 0 };
const REMEMBERED = 2;

function changed(world: World, names: readonly string[]): World {
  const past = [...world.past, world.names].slice(-REMEMBERED);
  return { ...world, names: [...names].toSorted(), past };
}

function requestOf(effect: Extract<Effect, { kind: 'rename' | 'unlink' }>): LateRequest {
  return effect.kind === 'rename' ? { from: effect.from, to: effect.to } : { from: effect.name };
}

/** Undefined when `from` is not there: the compare-and-swap of the protocol. */
function carriedOut(world: World, { from, to }: LateRequest): World | undefined {
  if (!world.names.includes(from)) return undefined;
  const rest = world.names.filter((name) => name !== from);
  return changed(world, to === undefined ? rest : [...rest, to]);
}

function holderOf(state: Task['state']): string {
  return 'base' in state ? state.base.holderId : state.holderId;
}

function show({ from, to }: LateRequest): string {
  return to === undefined ? `removal of ${from}` : `${from.slice(16)} -> ${to.slice(16)}`;
}
