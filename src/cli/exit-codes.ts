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

/** A canceled wait exits 130; a caller that knows that it was a SIGTERM uses 143 instead. */
export function exitCodeOf(code: ErrorCode): number {
  return BY_CODE[code];
}

/** For the man page, in numeric order. */
export const EXIT_CODE_ROWS = [
  { code: '0', meaning: 'Done. "run" passes on the exit code of its command, 128+n for signal n.' },
  { code: '20', meaning: 'A download or clone failed for good.' },
  { code: '64', meaning: 'The command line could not be understood.' },
  { code: '65', meaning: 'A record is unreadable, or newer than this version.' },
  { code: '69', meaning: 'The addon, a peer package or a server is missing.' },
  { code: '70', meaning: 'A build step failed.' },
  { code: '74', meaning: 'The file system failed: no space, an I/O error.' },
  { code: '75', meaning: 'Still held by others at the deadline. Another number with -E.' },
  { code: '76', meaning: 'The hold was lost, or it is not known whether it stands.' },
  { code: '77', meaning: 'Permission denied.' },
  { code: '78', meaning: 'The deployment disagrees with itself, or the thing is not possible here.' },
  { code: '126, 127', meaning: 'The command of "run" could not be executed; it was not found.' },
  { code: '130, 143', meaning: 'Canceled by Ctrl-C or SIGTERM.' },
] as const;
