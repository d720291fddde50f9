import { LockError, type ErrorCode } from '../core/errors.js';
import type { LossReason } from '../core/lease.js';

/** What the worker is started with. */
export interface WorkerSetup {
  /** Of a Heartbeat. */
  readonly heartbeat: SharedArrayBuffer;
  readonly maxStallMs: number;
  /** Memory of an OrderRing. */
  readonly ring: SharedArrayBuffer;
}

/** Through the ring, as JSON: what an `arm` says beyond what the worker has been sent with an earlier one. Not answered. */
export type RingOrder = readonly [
  id: number,
  source: number,
  page: number,
  cell: number,
  durationMs: number,
  state: unknown,
];

/** From the owner's thread to the worker. `id` names one hold. */
export type Order =
  | {
      readonly kind: 'arm';
      readonly id: number;
      /** Names module and `shared` in ring orders that follow. */
      readonly source: number;
      readonly module: string;
      readonly shared: unknown;
      readonly state: unknown;
      readonly page: number;
      readonly memory: SharedArrayBuffer;
      readonly cell: number;
      readonly durationMs: number;
      readonly isReleaseSafe: boolean;
    }
  /** Look into the ring, now and then from now on. Not answered. */
  | { readonly kind: 'poll' }
  /** Writes the deadline of a hold, now and after each renewal, to a descriptor. Not answered. */
  | { readonly kind: 'publish'; readonly id: number; readonly descriptor: number }
  /** Renews no more. Not answered. */
  | { readonly kind: 'forget'; readonly id: number }
  | { readonly kind: 'release'; readonly id: number };

/** From the worker. Orders are answered by `done` or `failed`, unless it says otherwise there. */
export type Report =
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: WireError }
  | {
      readonly kind: 'renewed';
      readonly id: number;
      readonly remainingMs: number;
      readonly error: WireError | undefined;
    }
  | { readonly kind: 'lost'; readonly id: number; readonly reason: LossReason };

/** Structured clone keeps an Error's message and loses its code. */
export interface WireError {
  readonly message: string;
  readonly code: string | undefined;
  readonly resource: string | undefined;
}

export function toWire(error: unknown): WireError {
  const { message, code, resource } = error as Partial<LockError>;
  return { message: message ?? String(error), code, resource };
}

export function fromWire({ message, code, resource }: WireError): Error {
  const isOurs = code?.startsWith('HOLDFAST_') === true;
  if (!isOurs) return Object.assign(new Error(message), code !== undefined && { code });
  return new LockError(message, { code: code as ErrorCode, ...(resource !== undefined && { resource }) });
}
