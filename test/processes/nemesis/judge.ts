import { beliefsOf, type Belief, type Event } from './history.js';

export interface Verdict {
  readonly holds: number;
  /** Holds that ended by surprise, by reason. */
  readonly lost: Readonly<Record<string, number>>;
  /** Pairs that believed at the same time, and for how many milliseconds. */
  readonly overlaps: readonly number[];
  /** Holds whose token is not above that of every hold that had ended before. */
  readonly tokenReversals: number;
  readonly writes: number;
  /** Writes with a token below one that had been written before. */
  readonly refused: number;
  /** Of those the ones that were accepted, by what the writers saw and not by what the register says. */
  readonly olderAccepted: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly unhandled: readonly string[];
  readonly troubles: Readonly<Record<string, number>>;
}

/** What a history proves. Belief counts only as far as it was proven, so nothing is counted that did not happen. */
export function judge(events: readonly Event[]): Verdict {
  const beliefs = beliefsOf(events);
  const writes = events.filter((event) => event.t === 'write');
  return {
    holds: beliefs.length,
    lost: countOf(beliefs.flatMap(({ why }) => why ?? [])),
    overlaps: overlapsIn(beliefs),
    tokenReversals: reversalsIn(beliefs),
    writes: writes.length,
    refused: writes.filter(({ outcome }) => outcome === 'stale').length,
    olderAccepted: olderAcceptedIn(writes.filter(({ outcome }) => outcome === 'written')),
    failures: countOf(
      events.flatMap((event) =>
        event.t === 'failed' || event.t === 'unreleased' ? `${event.t} ${event.code}` : [],
      ),
    ),
    unhandled: events.flatMap((event) => (event.t === 'unhandled' ? event.text : [])),
    troubles: countOf(events.flatMap((event) => (event.t === 'trouble' ? event.name : []))),
  };
}

/** @param beliefs in the order of their beginning. */
function overlapsIn(beliefs: readonly Belief[]): readonly number[] {
  const overlaps: number[] = [];
  let open: Belief[] = [];
  for (const belief of beliefs) {
    open = open.filter(({ to }) => to > belief.from);
    for (const { to } of open) overlaps.push(Math.round(Math.min(to, belief.to) - belief.from));
    open.push(belief);
  }
  return overlaps;
}

/** Of holds that believed at the same time it is not known which was granted first. @param beliefs as above. */
function reversalsIn(beliefs: readonly Belief[]): number {
  const byEnd = beliefs.toSorted((a, b) => a.to - b.to);
  let ended = 0;
  let highest = -1n;
  let reversals = 0;
  for (const { from, token } of beliefs) {
    for (let next = byEnd[ended]; next !== undefined && next.to < from; next = byEnd[++ended]) {
      if (next.token > highest) highest = next.token;
    }
    if (token <= highest) reversals++;
  }
  return reversals;
}

type Write = Extract<Event, { t: 'write' }>;

/** A write was accepted although one with a higher token had been accepted before this one was sent. */
function olderAcceptedIn(accepted: readonly Write[]): number {
  const byEnd = accepted.toSorted((a, b) => a.to - b.to);
  let ended = 0;
  let highest = -1n;
  let older = 0;
  for (const { from, token } of accepted.toSorted((a, b) => a.from - b.from)) {
    for (let next = byEnd[ended]; next !== undefined && next.to < from; next = byEnd[++ended]) {
      if (BigInt(next.token) > highest) highest = BigInt(next.token);
    }
    if (BigInt(token) < highest) older++;
  }
  return older;
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
