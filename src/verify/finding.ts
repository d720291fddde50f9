/** `holds`: as a lock needs it. `broken`: seen to fail. `refused`: the system does not offer it. `unknown`: not seen. */
export type Outcome = 'holds' | 'broken' | 'refused' | 'unknown';

export type CheckId =
  | 'exclusive create'
  | 'link'
  | 'rename'
  | 'birth'
  | 'rename over'
  | 'visibility'
  | 'time stamps'
  | 'flock'
  | 'flock freed'
  | 'flock shared'
  | 'lease'
  | 'lease takeover';

/** What one check saw. */
export interface Finding<Check extends string = CheckId> {
  readonly check: Check;
  readonly outcome: Outcome;
  /** One line for people. */
  readonly detail: string;
  /** For programs: counts, milliseconds, nanoseconds; their units stand in the names. */
  readonly figures: Readonly<Record<string, number | boolean | string>>;
}

export function finding<Check extends string>(
  check: Check,
  outcome: Outcome,
  detail: string,
  figures: Finding['figures'] = {},
): Finding<Check> {
  return { check, outcome, detail, figures };
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
