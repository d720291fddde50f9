import { randomBytes } from 'node:crypto';

import { LockError } from '../../core/errors.js';
import { LONGEST_ID, refOfClaim } from './claim-id.js';

export const RECORD_SCHEMA = 1;
export const RECORD_FILE = 'lock.json';

/** What a commit on a claim's branch says. The first four leave the claim held, the last two leave it free. */
export type ClaimEvent = 'claimed' | 'renewed' | 'noted' | 'stolen' | 'released' | 'forced';

/** An event that a newer version writes counts as a renewal: the record has the whole state after it. */
const EVENT_FORM = /^[a-z][a-z-]{0,39}$/;

/** What counts as progress: a note of the agent, or a commit on its branch. */
export type ProgressKind = 'note' | 'commit';

/** `lock.json`: one event, and the whole state of the claim after it. */
export interface ClaimRecord {
  readonly schema: typeof RECORD_SCHEMA;
  /** The id as its claimer spelled it; the branch must be the one that belongs to it. */
  readonly resource: string;
  readonly event: ClaimEvent | NewerEvent;
  /** The agent of this event: it claimed, renewed, stole, released or forced. */
  readonly agent: string;
  /** The fencing token: it rises with each claim and steal. */
  readonly generation: number;
  readonly holderId: string;
  /** 128 random bits. Two equal commits would be pushed as "up to date" for both contenders. */
  readonly nonce: string;
  /** Milliseconds without a new event after which others may steal. */
  readonly staleAfterMs: number;
  readonly branch?: string;
  readonly reason?: string;
  /** The revision that the claimer works from, or that the releaser left. */
  readonly base?: string;
  /** The last note of the agent. */
  readonly note?: string;
  /** The head commit of `branch` in the holder's clone, when it last published. */
  readonly head?: string;
  /** Wall clock, ISO 8601, for display: of the last progress. Absent: none since `sinceAt`. */
  readonly progressAt?: string;
  readonly progressBy?: ProgressKind;
  /** Of a release: the work is finished, and who looks for any of several passes it over. */
  readonly isDone?: boolean;
  /** From whom it was taken, for `stolen` and `forced`. */
  readonly previous?: { readonly agent?: string; readonly holderId?: string };
  /** The process behind the hold, where a process and not a person holds. */
  readonly process?: RecordedProcess;
  readonly host?: string;
  /** Wall clock, ISO 8601, for display: of the claim, and of this event. */
  readonly sinceAt: string;
  readonly at: string;
}

/** The name of an event that this version does not know. */
export type NewerEvent = string & Record<never, never>;

export interface RecordedProcess {
  readonly pid: number;
  readonly startTime?: number;
  readonly bootId?: string;
  readonly pidNamespace?: number;
  readonly timeNamespace?: number;
  readonly program?: string;
  readonly command?: string;
}

export function newNonce(): string {
  return randomBytes(16).toString('hex');
}

export function isHeldEvent(event: ClaimRecord['event']): boolean {
  return event !== 'released' && event !== 'forced';
}

export type DecodedRecord =
  | { readonly kind: 'record'; readonly record: ClaimRecord }
  /** `isNewer`: written by a version that may know better than we do. */
  | { readonly kind: 'broken'; readonly problem: string; readonly isNewer: boolean };

/**
 * The text of `lock.json`, which every reader will take.
 *
 * @throws LockError HOLDFAST_PROTOCOL when a reader would not: nothing of it is published.
 */
export function encodeClaimRecord(ref: string, record: ClaimRecord): string {
  const text = `${JSON.stringify(record, undefined, 2)}\n`;
  const decoded = decodeClaimRecord(ref, text);
  if (decoded.kind === 'record') return text;
  throw new LockError(`Could not claim "${record.resource}": ${decoded.problem}. Nothing was published.`, {
    code: 'HOLDFAST_PROTOCOL',
    resource: record.resource,
  });
}

/** Reads `lock.json` of the tip of `ref`, trusting nothing in it. */
export function decodeClaimRecord(ref: string, text: string): DecodedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return broken('its lock.json is no JSON');
  }
  if (!isObject(value)) return broken('its lock.json is no record');
  const raw = value;
  if (raw['schema'] !== RECORD_SCHEMA) {
    const isNewer = typeof raw['schema'] === 'number' && raw['schema'] > RECORD_SCHEMA;
    return broken(
      `its schema is ${JSON.stringify(raw['schema']) ?? 'missing'}, and this version reads ${RECORD_SCHEMA}`,
      isNewer,
    );
  }
  const fault = recordFault(raw);
  if (fault !== undefined) return broken(`its "${fault}" is missing or of the wrong form`);
  const record = value as unknown as ClaimRecord;
  if (refOfClaim(record.resource) !== ref)
    return broken(`its record names "${record.resource.slice(0, 100)}", another claim`);
  return { kind: 'record', record };
}

function broken(problem: string, isNewer = false): DecodedRecord {
  return { kind: 'broken', problem, isNewer };
}

function recordFault(raw: Record<string, unknown>): string | undefined {
  const isText = (value: unknown, limit: number): boolean =>
    typeof value === 'string' && value.length > 0 && value.length <= limit;
  if (!isText(raw['resource'], LONGEST_ID)) return 'resource';
  if (!isText(raw['event'], 40) || !EVENT_FORM.test(raw['event'] as string)) return 'event';
  if (typeof raw['agent'] !== 'string' || agentFault(raw['agent']) !== undefined) return 'agent';
  if (!isCount(raw['generation']) || raw['generation'] === 0) return 'generation';
  if (!isText(raw['holderId'], 64)) return 'holderId';
  if (!isText(raw['nonce'], 64)) return 'nonce';
  if (!isCount(raw['staleAfterMs'])) return 'staleAfterMs';
  for (const name of ['branch', 'reason', 'base', 'host', 'note', 'head', 'progressAt', 'progressBy']) {
    if (raw[name] !== undefined && !isText(raw[name], 1_000)) return name;
  }
  for (const name of ['sinceAt', 'at']) if (!isText(raw[name], 40)) return name;
  if (raw['isDone'] !== undefined && typeof raw['isDone'] !== 'boolean') return 'isDone';
  if (raw['previous'] !== undefined && previousFault(raw['previous'])) return 'previous';
  if (raw['process'] !== undefined && processFault(raw['process'])) return 'process';
  return undefined;
}

function previousFault(value: unknown): boolean {
  if (!isObject(value)) return true;
  return [value['agent'], value['holderId']].some(
    (field) => field !== undefined && !(typeof field === 'string' && field.length <= 100),
  );
}

function processFault(value: unknown): boolean {
  if (!isObject(value) || !isCount(value['pid'])) return true;
  if (
    ['startTime', 'pidNamespace', 'timeNamespace'].some(
      (name) => value[name] !== undefined && typeof value[name] !== 'number',
    )
  )
    return true;
  return ['bootId', 'program', 'command'].some(
    (name) => value[name] !== undefined && !(typeof value[name] === 'string' && value[name].length <= 1_000),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Why `agent` cannot be a name; undefined when it can. It becomes the author of commits. */
export function agentFault(agent: string): string | undefined {
  if (agent === '' || agent !== agent.trim()) return 'it is empty or begins or ends in a space';
  if (agent.length > 100) return 'it is longer than 100 characters';
  if (/[\u0000-\u001f\u007f-\u009f<>]/.test(agent)) return 'it has control characters, "<" or ">"';
  return undefined;
}

/** What hosts and people see first. CI must not run for it. */
export function subjectOf(record: ClaimRecord): string {
  return `holdfast: ${record.resource} ${record.event} by ${record.agent} [skip ci]`;
}
