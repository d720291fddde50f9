import { leaseRecordValue, readLeaseRecord, type LeaseRecord } from './record.js';

export type LeaseState =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'held';
      readonly holderId: string;
      readonly leaseMs: number;
      readonly beat: number;
      readonly record: LeaseRecord | undefined;
    }
  | { readonly kind: 'revoked'; readonly leaseMs: number };

export type HeldState = Extract<LeaseState, { kind: 'held' }>;

/** What a register holds. No body is ever written twice: versions of some stores are hashes of the content. */
export interface Body {
  /** The token of the last hold. Of a hold, its own. */
  readonly generation: bigint;
  readonly state: LeaseState;
  /** Of this very write. */
  readonly nonce: string;
}

const FORMAT = 1;
/** Longer ones are not looked at: others may have written them. */
const TEXT_LENGTH = 16_384;
/** No lease lasts longer: a day, as `core/options` has it, and room. */
const LEASE_MS_MAX = 1e10;

export function encodeBody({ generation, state, nonce }: Body): string {
  const head = { holdfast: FORMAT, g: String(generation), state: state.kind };
  if (state.kind === 'free') return JSON.stringify({ ...head, nonce });
  if (state.kind === 'revoked') return JSON.stringify({ ...head, leaseMs: state.leaseMs, nonce });
  const { holderId, leaseMs, beat, record } = state;
  const note = record && leaseRecordValue(record);
  return JSON.stringify({ ...head, holder: holderId, leaseMs, beat, nonce, note });
}

/** @returns the format, or undefined where it is none of ours, of what this version does not read. */
export function decodeBody(text: string): Body | { readonly format: string | undefined } {
  const raw = parsed(text);
  const { holdfast, g, nonce } = raw;
  if (typeof holdfast === 'number' && holdfast !== FORMAT) return { format: String(holdfast) };
  const state = stateOf(raw);
  const isBody = holdfast === FORMAT && typeof g === 'string' && /^\d{1,30}$/.test(g);
  if (!isBody || state === undefined || typeof nonce !== 'string') return { format: undefined };
  return { generation: BigInt(g), state, nonce };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  if (text.length > TEXT_LENGTH) return {};
  try {
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function stateOf({
  state,
  holder,
  leaseMs,
  beat,
  note,
}: Readonly<Record<string, unknown>>): LeaseState | undefined {
  if (state === 'free') return { kind: 'free' };
  if (!isCount(leaseMs) || leaseMs > LEASE_MS_MAX) return undefined;
  if (state === 'revoked') return { kind: 'revoked', leaseMs };
  const isHolder = typeof holder === 'string' && /^[a-z2-7]{26}$/.test(holder);
  if (state !== 'held' || !isHolder || !isCount(beat)) return undefined;
  return { kind: 'held', holderId: holder, leaseMs, beat, record: readLeaseRecord(note) };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
