import { describe, expect, test } from 'vitest';

import { encodeBody } from '../../src/backends/register/body.js';
import type { ClaimState } from '../../src/backends/register/claim-steps.js';
import { LONG, PAIR, TRIO, type Limits } from './lease-world.js';
import { firstWorld, keyOf, moves, REAL_RULES, type Rules, type World } from './register-world.js';
import { walkAtRandom, walkBreadthFirst, type Finding } from './search.js';

const SEEDS = [21, 22, 23, 24];

const modelOf = (limits: Limits, rules: Rules) => ({
  first: firstWorld(limits),
  moves: (world: World) => moves(world, limits, rules),
  keyOf,
});

function find(rules: Rules, states: number, walks: number): Finding | undefined {
  const near = walkBreadthFirst(modelOf(PAIR, rules), states).finding;
  if (near !== undefined) return near;
  for (const seed of SEEDS) {
    for (const limits of [TRIO, LONG]) {
      const deep = walkAtRandom(modelOf(limits, rules), walks, seed).finding;
      if (deep !== undefined) return deep;
    }
  }
  return undefined;
}

describe('INV-REGISTER-1 to INV-REGISTER-5: the real steps over lost replies, late writes, refused races and drifting clocks', () => {
  test('no order of events gives two believers, a token twice, or a hold that was given up', () => {
    expect(find(REAL_RULES, 40_000, 600)).toBeUndefined();
  });
});

const { stepClaim, stepHold, settleRenewal } = REAL_RULES;

/** Each is a way in which locks on buckets have been got wrong; the search must find every one. */
const MUTANTS: Readonly<Record<string, Partial<Rules>>> = {
  'INV-REGISTER-1 the deadline counts from after the claim': {
    stepClaim: (state, outcome, now, issuedAt) =>
      stepClaim(state.phase === 'claim' ? { ...state, sentAt: now } : state, outcome, now, issuedAt),
  },
  'INV-REGISTER-1 the observation starts before the read': {
    stepClaim: (state, outcome, now, issuedAt) => {
      const step = stepClaim(state, outcome, now, issuedAt);
      if (!('effect' in step) || step.effect.kind !== 'sight') return step;
      return { ...step, effect: { ...step.effect, at: issuedAt } };
    },
  },
  'INV-REGISTER-1 the wall clock decides, one hour fast': { sightedSince: (since) => since - 3_600_000 },
  'INV-REGISTER-1 the store ignores conditions': { ignores: () => true },
  'INV-REGISTER-2 a takeover keeps the token': {
    stepClaim: (state, outcome, now, issuedAt) =>
      stepClaim(asIfGenerationBefore(state), outcome, now, issuedAt),
  },
  'INV-REGISTER-4 a claim without an answer is given up unsettled': {
    stepClaim: (state, outcome, now, issuedAt) =>
      outcome.kind === 'written' && outcome.written.kind === 'unknown' && state.phase === 'claim'
        ? { result: { kind: 'failed', error: 'no answer' } }
        : stepClaim(state, outcome, now, issuedAt),
  },
  'INV-REGISTER-4 a conflict is believed although a proxy sent the claim twice': {
    stepClaim: (state, outcome, now, issuedAt) =>
      outcome.kind === 'written' && outcome.written.kind === 'conflict' && state.phase === 'claim'
        ? { result: { kind: 'contended', remainingMs: 0 } }
        : stepClaim(state, outcome, now, issuedAt),
  },
  'INV-REGISTER-4 a release without an answer counts as done': {
    stepHold: (state, outcome) =>
      state.purpose.kind === 'release' && outcome.kind === 'written' && outcome.written.kind === 'unknown'
        ? { result: { kind: 'done', base: state.base } }
        : stepHold(state, outcome),
  },
  'INV-REGISTER-5 a renewal that came too late revives the hold': {
    settleRenewal: (outcome, sentAt, _now, deadline, durationMs) =>
      settleRenewal(outcome, sentAt, deadline - 1, deadline, durationMs),
  },
  'INV-REGISTER-6 a value recurs': { encode: (body) => encodeBody({ ...body, nonce: 'first' }) },
};

function asIfGenerationBefore(state: ClaimState): ClaimState {
  if (state.phase !== 'watch' || state.base === undefined || state.watched?.kind !== 'held') return state;
  return { ...state, base: { ...state.base, generation: state.base.generation - 1n } };
}

describe('the search finds the planted bug', () => {
  test.each(Object.entries(MUTANTS))('%s', (_name, broken) => {
    expect(find({ ...REAL_RULES, ...broken }, 20_000, 2_000)).toBeDefined();
  });
});
