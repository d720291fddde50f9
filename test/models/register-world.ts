import { settleRenewal } from '../../src/core/lease.js';
import { encodeBody } from '../../src/backends/register/body.js';
import {
  beginClaim,
  stepClaim,
  type ClaimResult,
  type ClaimState,
  type ClaimStep,
} from '../../src/backends/register/claim-steps.js';
import type { Effect, Outcome } from '../../src/backends/register/effects.js';
import {
  beginChange,
  stepHold,
  type Base,
  type HoldResult,
  type HoldState,
  type HoldStep,
} from '../../src/backends/register/hold-steps.js';
import type { Limits } from './lease-world.js';
import { bodyOf, readingOf, show, type LateWrite } from './register-values.js';

/** The real rules, each replaceable by a broken one. */
export const REAL_RULES = {
  beginClaim,
  /** `issuedAt` is the clock before the effect was sent, for mutants that count from there. */
  stepClaim: (state: ClaimState, outcome: Outcome, now: number, _issuedAt: number): ClaimStep =>
    stepClaim(state, outcome, now),
  beginChange,
  stepHold,
  settleRenewal,
  /** A value's version is its content, as where ETags are hashes. */
  encode: encodeBody,
  /** A new one for every attempt. */
  holderIdFor: (process: number, attempt: number): string =>
    `${'abc'[process]}${'defghijk'[attempt]}`.repeat(13),
  sightedSince: (since: number): number => since,
  /** Whether a write whose condition does not hold is carried out all the same. */
  ignores: (_version: string | undefined): boolean => false,
};
export type Rules = typeof REAL_RULES;

const TICK_MS = 1_000;
const FIRST = encodeBody({ generation: 7n, state: { kind: 'free' }, nonce: 'first' });

type AnyStep = ClaimStep | HoldStep;

interface Hold {
  readonly base: StoredBase;
  readonly deadline: number;
  readonly isOver: boolean;
}

/** As JSON. */
type StoredBase = Omit<Base, 'generation'> & { readonly generation: string };

interface Task {
  readonly kind: 'claim' | 'renew' | 'release';
  readonly state: unknown;
  readonly effect: Effect;
  /** Arrived, and what was answered; the answer is still on its way. */
  readonly outcome?: Outcome;
  readonly issuedAt: number;
  /** The clock before a renewal. */
  readonly sentAt: number;
}

interface Party {
  readonly attempts: number;
  readonly renewals: number;
  /** The second is a release beside a renewal, which another thread sent. */
  readonly tasks: readonly Task[];
  readonly hold?: Hold | undefined;
  readonly sightings: Readonly<Record<string, number>>;
}

export interface World {
  readonly tick: number;
  readonly faults: number;
  readonly value: string;
  /** Older values that a reading may still show. */
  readonly past: readonly string[];
  /** A reading was older than the store: then a hold that is over may be left, and waited out. */
  readonly isOldRead: boolean;
  /** Writes whose sender was told nothing; they may yet be carried out. */
  readonly late: readonly LateWrite[];
  readonly parties: readonly Party[];
  readonly lastToken: string;
  /** Holders of attempts and holds that are over for good: none of them may stand. */
  readonly ended: readonly string[];
  readonly violation?: string;
}

export interface Move {
  readonly label: string;
  readonly world: World;
}

/** Worlds are compared as JSON, which has no bigints. */
export function keyOf(world: World): string {
  return JSON.stringify(world, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

export function firstWorld(limits: Limits): World {
  const party: Party = { attempts: 0, renewals: 0, tasks: [], sightings: {} };
  return {
    tick: 0,
    faults: limits.faults,
    value: FIRST,
    past: [],
    isOldRead: false,
    late: [],
    parties: limits.rates.map(() => party),
    lastToken: '7',
    ended: [],
  };
}

/** Everything that can happen next. */
export function moves(world: World, limits: Limits, rules: Rules): Move[] {
  const found: Move[] = [];
  const add = (label: string, next: World): void => void found.push({ label, world: judged(next, limits) });
  if (world.tick < limits.lastTick) add('time passes', { ...world, tick: world.tick + 1 });
  for (const [index, write] of world.late.entries()) {
    const rest = { ...world, late: world.late.filter((_, at) => at !== index) };
    add(`late: ${show(write)}`, carriedOut(rest, write, rules) ?? rest);
  }
  world.parties.forEach((party, index) => {
    const turn = new Turn(world, limits, rules, index, party);
    for (const move of turn.moves()) add(`${'ABC'[index]} ${move.label}`, move.world);
  });
  return found;
}

function judged(world: World, limits: Limits): World {
  if (world.violation !== undefined) return world;
  const believers = world.parties.filter(
    ({ hold }, index) => hold !== undefined && !hold.isOver && clockOf(world, limits, index) < hold.deadline,
  );
  if (believers.length > 1) return { ...world, violation: 'INV-REGISTER-1 two believe to hold' };
  const body = bodyOf(world.value);
  const stands = !world.isOldRead && body.state.kind === 'held' && world.ended.includes(body.state.holderId);
  return stands ? { ...world, violation: 'INV-REGISTER-4 a hold that was given up stands' } : world;
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

  constructor(world: World, limits: Limits, rules: Rules, index: number, party: Party) {
    this.world = world;
    this.limits = limits;
    this.rules = rules;
    this.index = index;
    this.party = party;
  }

  get now(): number {
    return clockOf(this.world, this.limits, this.index);
  }

  moves(): Move[] {
    const { tasks, hold, attempts, renewals } = this.party;
    const found = tasks.flatMap((task, at) =>
      task.outcome === undefined ? this.#arrivals(task, at) : [this.#hear(task, task.outcome, at)],
    );
    if (hold === undefined) {
      if (tasks.length === 0 && attempts < this.limits.attempts) found.push(this.#claim());
      return found;
    }
    const isOver = hold.isOver || this.now >= hold.deadline;
    if (isOver) {
      // A lost guard writes nothing.
      if (tasks.length === 0) found.push({ label: 'gives up', world: this.#with(this.world, IDLE) });
      return found;
    }
    const released = this.#with(this.world, { hold: { ...hold, isOver: true } });
    const base = thawed(hold.base);
    const nonce = `${base.state.holderId}${renewals}`;
    if (!tasks.some(({ kind }) => kind === 'release')) {
      const step = this.rules.beginChange(base, { kind: 'release' }, `r${nonce}`);
      found.push(this.#send('releases', released, 'release', step));
    }
    if (tasks.length === 0 && renewals < this.limits.renewals) {
      const counted = this.#with(this.world, { renewals: renewals + 1 });
      found.push(
        this.#send('renews', counted, 'renew', this.rules.beginChange(base, { kind: 'renew' }, nonce)),
      );
    }
    return found;
  }

  #with(world: World, change: Partial<Party>): World {
    const parties = world.parties.map((party, at) => (at === this.index ? { ...party, ...change } : party));
    return { ...world, parties };
  }

  #tasksOf(world: World): readonly Task[] {
    return world.parties[this.index]?.tasks ?? [];
  }

  #claim(): Move {
    const { attempts } = this.party;
    const { leaseMs } = this.limits;
    const wanted = {
      holderId: this.rules.holderIdFor(this.index, attempts),
      leaseMs,
      record: undefined,
      wallMs: 0,
      giveUpAt: this.now + leaseMs,
    };
    const counted = this.#with(this.world, { attempts: attempts + 1 });
    return this.#send('asks', counted, 'claim', this.rules.beginClaim(wanted));
  }

  /** Follows the steps up to the next request whose arrival or answer can be late. */
  #send(label: string, world: World, kind: Task['kind'], first: AnyStep, sentAt = this.now): Move {
    let current = world;
    let step = first;
    while ('effect' in step) {
      const { state, effect } = step;
      const local = this.#local(current, effect);
      if (local === undefined) {
        const task: Task = { kind, state, effect, issuedAt: this.now, sentAt };
        return { label, world: this.#with(current, { tasks: [...this.#tasksOf(current), task] }) };
      }
      current = local.world;
      step = this.#step(kind, state, local.outcome, this.now);
    }
    return kind === 'claim'
      ? this.#endClaim(current, step.result as ClaimResult, this.party.attempts)
      : this.#endHold(current, kind, step.result as HoldResult, sentAt);
  }

  #step(kind: Task['kind'], state: unknown, outcome: Outcome, issuedAt: number): AnyStep {
    return kind === 'claim'
      ? this.rules.stepClaim(state as ClaimState, outcome, this.now, issuedAt)
      : this.rules.stepHold(state as HoldState, outcome);
  }

  #local(world: World, effect: Effect): { world: World; outcome: Outcome } | undefined {
    switch (effect.kind) {
      case 'sight': {
        const sightings = world.parties[this.index]?.sightings ?? {};
        const remembered = sightings[effect.version] ?? effect.at;
        return {
          world: this.#with(world, { sightings: { ...sightings, [effect.version]: remembered } }),
          outcome: { kind: 'sighted', since: this.rules.sightedSince(remembered) },
        };
      }
      case 'examine':
        return { world, outcome: { kind: 'examined', isDead: false } };
      case 'pause':
        return { world, outcome: { kind: 'done' } };
      default:
        return undefined;
    }
  }

  #arrivals(task: Task, at: number): Move[] {
    const { world, rules } = this;
    const { effect } = task;
    const answer = (label: string, next: World, outcome: Outcome): Move => ({
      label: `${label} ${effect.kind === 'write' ? show(writeOf(effect, rules)) : effect.kind}`,
      world: this.#with(next, {
        tasks: this.#tasksOf(next).map((one, index) => (index === at ? { ...task, outcome } : one)),
      }),
    });
    const faults = world.faults - 1;
    if (effect.kind === 'read') {
      const read = (text: string): Outcome => ({ kind: 'read', reading: readingOf(text) });
      const found = [answer('fresh', world, read(world.value))];
      if (faults < 0) return found;
      return [
        ...found,
        ...world.past.map((text) => answer('stale', { ...world, faults, isOldRead: true }, read(text))),
      ];
    }
    if (effect.kind !== 'write') return [];
    const write = writeOf(effect, rules);
    const next = carriedOut(world, write, rules);
    const written = (kind: 'conflict' | 'not-landed'): Outcome => ({ kind: 'written', written: { kind } });
    const unknown: Outcome = { kind: 'written', written: { kind: 'unknown', error: 'no answer' } };
    const found =
      next === undefined
        ? [answer('refused', world, written('conflict'))]
        : [answer('executed', next, { kind: 'written', written: { kind: 'landed', version: write.text } })];
    if (faults < 0) return found;
    found.push(answer('raced', { ...world, faults }, written('not-landed')));
    if (next !== undefined) {
      found.push(answer('unanswered', { ...next, faults }, unknown));
      // A proxy sent it twice: the second met the first.
      found.push(answer('doubled', { ...next, faults }, written('conflict')));
    }
    found.push(answer('delayed', { ...world, faults, late: [...world.late, write] }, unknown));
    return found;
  }

  #hear(task: Task, outcome: Outcome, at: number): Move {
    const rest = this.#with(this.world, { tasks: this.party.tasks.filter((_, index) => index !== at) });
    const step = this.#step(task.kind, task.state, outcome, task.issuedAt);
    return this.#send('hears', rest, task.kind, step, task.sentAt);
  }

  #endClaim(world: World, result: ClaimResult, attempts: number): Move {
    const holderId = this.rules.holderIdFor(this.index, attempts - 1);
    if (result.kind === 'late') {
      const { body, version } = result;
      if (body.state.kind !== 'held') throw new Error('late with what is no hold');
      const base = { generation: body.generation, state: body.state, version };
      return this.#send(
        'undoes',
        world,
        'release',
        this.rules.beginChange(base, { kind: 'release' }, holderId),
      );
    }
    if (result.kind !== 'granted') {
      const isKnown = result.kind !== 'unconfirmed';
      return { label: result.kind, world: isKnown ? ended(world, holderId) : world };
    }
    const { body, sentAt, version } = result;
    if (body.state.kind !== 'held') throw new Error('granted what is no hold');
    const base = { generation: String(body.generation), state: body.state, version };
    const hold = { base, deadline: sentAt + this.limits.leaseMs, isOver: false };
    const held: World = { ...this.#with(world, { hold, renewals: 0 }), lastToken: base.generation };
    const isRising = body.generation > BigInt(world.lastToken);
    return {
      label: `holds ${base.generation}`,
      world: isRising ? held : { ...held, violation: 'INV-REGISTER-2 token repeats' },
    };
  }

  #endHold(world: World, kind: Task['kind'], result: HoldResult, sentAt: number): Move {
    const hold = world.parties[this.index]?.hold;
    if (kind === 'release' && result.kind === 'done') {
      return { label: 'released', world: ended(world, result.base.state.holderId) };
    }
    if (hold === undefined || result.kind !== 'renewal') return { label: result.kind, world };
    const settled = this.rules.settleRenewal(
      result.outcome,
      sentAt,
      this.now,
      hold.deadline,
      this.limits.leaseMs,
    );
    const kept: Hold = {
      base: { ...result.base, generation: String(result.base.generation) },
      deadline: settled.kind === 'held' && !hold.isOver ? settled.deadline : hold.deadline,
      isOver: hold.isOver || settled.kind === 'lost',
    };
    const next = this.#with(world, { hold: kept });
    const isRevived = !hold.isOver && this.now >= hold.deadline && settled.kind === 'held';
    const violation = 'INV-REGISTER-5 a lost hold is held again';
    return { label: `renewal ${settled.kind}`, world: isRevived ? { ...next, violation } : next };
  }
}

const IDLE = { hold: undefined, renewals: 0 };
const REMEMBERED = 2;

function thawed({ generation, ...base }: StoredBase): Base {
  return { ...base, generation: BigInt(generation) };
}

function ended(world: World, holderId: string): World {
  return world.ended.includes(holderId) ? world : { ...world, ended: [...world.ended, holderId] };
}

function writeOf(effect: Extract<Effect, { kind: 'write' }>, rules: Rules): LateWrite {
  return { text: rules.encode(effect.body), version: effect.version };
}

/** Undefined when its condition does not hold. */
function carriedOut(world: World, { text, version }: LateWrite, rules: Rules): World | undefined {
  if (version !== world.value && !rules.ignores(version)) return undefined;
  return { ...world, value: text, past: [...world.past, world.value].slice(-REMEMBERED) };
}
