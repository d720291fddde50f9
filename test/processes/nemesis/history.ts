/** One line of a history. Times are milliseconds of the machine's monotonic clock. `k`: a hold, `w`: a worker. */
export type Event =
  | {
      readonly t: 'granted';
      readonly k: string;
      readonly w: string;
      readonly at: number;
      readonly token: string;
    }
  /** `at`: when it was proven last. `why`: the reason of its loss. */
  | { readonly t: 'ended'; readonly k: string; readonly at: number; readonly why?: string }
  /** `hold`: what the worker had proven last, and when. */
  | { readonly t: 'killed'; readonly w: string; readonly hold?: string; readonly at?: number }
  | {
      readonly t: 'write';
      readonly k: string;
      readonly token: string;
      readonly from: number;
      readonly to: number;
      readonly outcome: 'written' | 'stale' | 'lost' | 'failed' | 'missing';
    }
  | {
      readonly t: 'failed' | 'unreleased';
      readonly w: string;
      readonly at: number;
      readonly code: string;
      readonly text: string;
    }
  | { readonly t: 'unhandled'; readonly w: string; readonly at: number; readonly text: string }
  | { readonly t: 'trouble'; readonly name: string; readonly at: number };

export function parseHistory(text: string): readonly Event[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
}

/** An interval in which a worker believed that it held, as far as that was proven. */
export interface Belief {
  readonly hold: string;
  readonly from: number;
  readonly to: number;
  readonly token: bigint;
  readonly why?: string;
}

/** A hold without an end lasted until the last proof of its worker: it was killed, or the run was over. */
export function beliefsOf(events: readonly Event[]): readonly Belief[] {
  const beliefs = new Map<string, Belief>();
  for (const event of events) {
    if (event.t === 'granted') {
      const { k: hold, at, token } = event;
      beliefs.set(hold, { hold, from: at, to: at, token: BigInt(token) });
    }
    const [hold, at] =
      event.t === 'ended' ? [event.k, event.at] : event.t === 'killed' ? [event.hold, event.at] : [];
    const begun = hold === undefined ? undefined : beliefs.get(hold);
    if (begun === undefined || at === undefined) continue;
    const why = event.t === 'ended' ? event.why : undefined;
    beliefs.set(begun.hold, { ...begun, to: Math.max(begun.to, at), ...(why !== undefined && { why }) });
  }
  return [...beliefs.values()].toSorted((a, b) => a.from - b.from);
}
