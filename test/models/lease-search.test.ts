import { describe, expect, test } from 'vitest';

import type { ClaimState } from '../../src/backends/lease/claim-steps.js';
import { readListing } from '../../src/backends/lease/listing.js';
import { formatState } from '../../src/backends/lease/names.js';
import { follow, searchAtRandom, searchBreadthFirst, type Finding } from './lease-search.js';
import { LONG, PAIR, REAL_RULES, TRIO, type Limits, type Rules } from './lease-world.js';

const SEEDS = [11, 12, 13, 14];

function find(rules: Rules, states: number, walks: number): Finding | undefined {
  const near = searchBreadthFirst(PAIR, rules, states).finding;
  if (near !== undefined) return near;
  for (const seed of SEEDS) {
    for (const limits of [TRIO, LONG]) {
      const deep = searchAtRandom(limits, rules, walks, seed).finding;
      if (deep !== undefined) return deep;
    }
  }
  return undefined;
}

describe('INV-LEASE-1, INV-LEASE-2, INV-LEASE-3: the real steps over stale listings, lost replies, late requests and drifting clocks', () => {
  test('nobody finds two believers or a repeated token', () => {
    const finding = find(REAL_RULES, 100_000, 1_000);
    expect(finding).toBeUndefined();
  });
});

const { stepClaim, settleRenewal } = REAL_RULES;

/** Each is a way in which leases have been got wrong; the search must find every one. */
const MUTANTS: Readonly<Record<string, Partial<Rules>>> = {
  'INV-LEASE-5 a retry counts the deadline from its own clock': {
    stepClaim: (state, outcome, now, issuedAt) =>
      stepClaim(isRetry(state) ? { ...state, sentAt: now } : state, outcome, now, issuedAt),
  },
  'INV-LEASE-5 the deadline counts from after the rename': {
    stepClaim: (state, outcome, now, issuedAt) =>
      stepClaim(state.phase === 'claim' ? { ...state, sentAt: now } : state, outcome, now, issuedAt),
  },
  'INV-LEASE-5 the observation starts before the read': {
    stepClaim: (state, outcome, now, issuedAt) => {
      const step = stepClaim(state, outcome, now, issuedAt);
      if (!('effect' in step) || step.effect.kind !== 'sight') return step;
      return { ...step, effect: { ...step.effect, at: issuedAt } };
    },
  },
  'INV-LEASE-6 a holder id is used again': {
    holderIdFor: (process) => 'abc'.charAt(process).repeat(26),
  },
  'INV-LEASE-1 the wall clock decides, one hour fast': {
    sightedSince: (since) => since - 3_600_000,
  },
  'INV-LEASE-7 a renewal that came too late revives the hold': {
    settleRenewal: (outcome, sentAt, _now, deadline, durationMs) =>
      settleRenewal(outcome, sentAt, deadline - 1, deadline, durationMs),
  },
  'INV-LEASE-8 a clean-up lets the generation start again': {
    meddle: (names) => {
      const listing = readListing(names);
      const isFree =
        listing.kind === 'state' && listing.state.kind === 'free' && listing.state.generation > 7;
      return isFree ? [[formatState({ kind: 'free', generation: 7 })]] : [];
    },
  },
  'INV-LEASE-2 a takeover keeps the generation': {
    stepClaim: (state, outcome, now, issuedAt) =>
      stepClaim(asIfGenerationBefore(state), outcome, now, issuedAt),
  },
  'INV-LEASE-2 release by deletion, and birth at the floor': {
    stepHold: (state, outcome) => {
      const step = REAL_RULES.stepHold(state, outcome);
      if (!('effect' in step) || step.effect.kind !== 'rename' || state.purpose !== 'release') return step;
      return { ...step, effect: { ...step.effect, to: formatState({ kind: 'free', generation: 7 }) } };
    },
    beginRelease: (base) => {
      const step = REAL_RULES.beginRelease(base);
      if (!('effect' in step) || step.effect.kind !== 'rename') return step;
      return { ...step, effect: { ...step.effect, to: formatState({ kind: 'free', generation: 7 }) } };
    },
  },
};

function isRetry(state: ClaimState): boolean {
  return state.phase === 'settle' && state.failure !== undefined;
}

function asIfGenerationBefore(state: ClaimState): ClaimState {
  const current = state.current;
  if (state.phase !== 'record' || current?.state.kind !== 'held') return state;
  const generation = current.state.generation - 1;
  return { ...state, current: { ...current, state: { ...current.state, generation } } };
}

describe('the search finds the planted bug', () => {
  test.each(Object.entries(MUTANTS))('%s', (_name, broken) => {
    const finding = find({ ...REAL_RULES, ...broken }, 20_000, 2_000);
    expect(finding).toBeDefined();
  });
});

describe('INV-LEASE-9: the new holder sweeps what ended attempts left', () => {
  const SWEPT: Limits = { ...TRIO, hasRecords: true };

  function findSwept(rules: Rules, walks: number): Finding | undefined {
    const near = searchBreadthFirst({ ...PAIR, hasRecords: true }, rules, 30_000).finding;
    return near ?? searchAtRandom(SWEPT, rules, walks, 15).finding;
  }

  test('and never the record of a hold that is believed, whatever is late or old', () => {
    expect(findSwept(REAL_RULES, 2_000)).toBeUndefined();
  });

  test('as one who has not won yet must not', () => {
    const sweepAtOnce: Rules['stepClaim'] = (state, outcome, now, issuedAt) => {
      const names = outcome.kind === 'listed' && state.phase === 'look' ? outcome.names : [];
      const record = names.find((name) => name.startsWith('i.'));
      if (record === undefined || state.absentCount > 0) return stepClaim(state, outcome, now, issuedAt);
      return { state: { ...state, phase: 'look-again' }, effect: { kind: 'unlink', name: record } };
    };
    expect(findSwept({ ...REAL_RULES, stepClaim: sweepAtOnce }, 2_000)?.violation).toContain('INV-LEASE-9');
  });

  test('as one who may already have been taken over must not', () => {
    const sweepLate: Rules['stepClaim'] = (state, outcome, now, issuedAt) =>
      stepClaim(state.phase === 'settle' ? { ...state, sentAt: now } : state, outcome, now, issuedAt);
    expect(findSwept({ ...REAL_RULES, stepClaim: sweepLate }, 6_000)).toBeDefined();
  });
});

describe('INV-LEASE-5 a renewal that turns out to have landed earlier is a base and extends nothing', () => {
  const takes = ['asks', 'fresh list', 'hears', 'executed', 'hears', 'fresh list', 'holds'];
  const waits = (ticks: number): string[] => Array<string>(ticks).fill('time passes');
  const by = (who: string, labels: readonly string[]): string[] => labels.map((label) => `${who} ${label}`);
  const story = [
    ...by('A', takes),
    // The renewal's sender hears of an error, looks, and finds the old name; only then the server executes it.
    ...by('A', ['renews', 'delayed', 'hears', 'fresh list', 'renewal']),
    'late:',
    ...by('B', ['asks', 'fresh list', 'contended']),
    ...waits(4),
    ...by('A', ['renews', 'refused', 'hears', 'fresh list', 'renewal']),
    ...waits(2),
    ...by('B', takes),
  ];

  test('the real rules: its holder has stopped believing when the next one comes', () => {
    expect(follow(LONG, REAL_RULES, story).violation).toBeUndefined();
  });

  test('extending from it lets two believe', () => {
    const extend: Rules['settleRenewal'] = (outcome, ...rest) =>
      settleRenewal(outcome === 'again' ? 'extended' : outcome, ...rest);
    const world = follow(LONG, { ...REAL_RULES, settleRenewal: extend }, story);
    expect(world.violation).toContain('INV-LEASE-1');
  });
});
