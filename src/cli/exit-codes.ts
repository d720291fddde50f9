import type { ErrorCode } from '../core/errors.js';

/** Numbers of sysexits.h where it has one. `run` passes its child's own code through instead. */
export const EXIT = {
  ok: 0,
  network: 20,
  usage: 64,
  data: 65,
  unavailable: 69,
  software: 70,
  io: 74,
  contended: 75,
  lost: 76,
  permission: 77,
  config: 78,
  notExecutable: 126,
  notFound: 127,
  interrupted: 130,
  terminated: 143,
} as const;

const BY_CODE: Readonly<Record<ErrorCode, number>> = {
  HOLDFAST_TIMEOUT: EXIT.contended,
  HOLDFAST_CONTENDED: EXIT.contended,
  HOLDFAST_DEADLOCK: EXIT.contended,
  HOLDFAST_CANCELED: EXIT.interrupted,
  HOLDFAST_LOST: EXIT.lost,
  HOLDFAST_UNCONFIRMED: EXIT.lost,
  HOLDFAST_PERMISSION: EXIT.permission,
  HOLDFAST_IO: EXIT.io,
  HOLDFAST_NETWORK: EXIT.network,
  HOLDFAST_BUILD: EXIT.software,
  HOLDFAST_PROTOCOL: EXIT.data,
  HOLDFAST_CONFIG_MISMATCH: EXIT.config,
  HOLDFAST_UNSUPPORTED: EXIT.config,
  HOLDFAST_BACKEND_UNAVAILABLE: EXIT.unavailable,
};

/** A canceled wait exits 130; who knows that it was a SIGTERM uses 143 instead. */
export function exitCodeOf(code: ErrorCode): number {
  return BY_CODE[code];
}
