import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

import { LockError, type ErrorCode } from './errors.js';

const PERMISSION = new Set(['EACCES', 'EPERM', 'EROFS']);

const FACTS: Readonly<Record<string, readonly [fact: string, nextStep: string]>> = {
  EACCES: ['permission denied', 'Check its owner and mode'],
  EPERM: ['the operation is not permitted', 'Check its owner and mode'],
  EROFS: ['its file system is read-only', 'Use a path on a writable file system'],
  ENOENT: ['the directory does not exist', 'Create it first'],
  ENOTDIR: ['a part of the path is not a directory', 'Check the path'],
  EISDIR: ['it is a directory', 'Name a file'],
  ENOSPC: ['no space is left on the device', 'Free some space'],
  EDQUOT: ['the disk quota is used up', 'Free some space'],
  EMFILE: ['this process has too many open files', 'Raise `ulimit -n`, or hold fewer locks at once'],
  ENFILE: ['the system has too many open files', 'Close some'],
  EFBIG: ['the file would exceed the size limit', 'Raise `ulimit -f`'],
  ENXIO: ['no process reads it, or its device is missing', 'Start the reader first'],
  ENAMETOOLONG: ['the path is too long', 'Use a shorter one'],
  ELOOP: ['too many symbolic links', 'Check the links'],
  ENOSYS: ['the file system does not offer it', 'Use a path on another one'],
  ENOTSUP: ['the file system does not offer it', 'Use a path on another one'],
  EBUSY: ['it is in use', 'Try again'],
  ENOLCK: ['the file system refuses locks', 'Use lease:PATH there'],
  ESTALE: ['the file server does not know it any more', 'Look whether it was removed, or mount it again'],
  EIO: ['the device reported an error', 'Check the disk'],
};

/** The error code that an errno is reported as. */
export function codeOfErrno(errno: string): ErrorCode {
  return PERMISSION.has(errno) ? 'HOLDFAST_PERMISSION' : 'HOLDFAST_IO';
}

/**
 * The name of a positive errno. Libuv has none for ENOLCK, EDQUOT, ESTALE and others that file servers answer with, and
 * says `Unknown system error -37` instead.
 */
export function errnoName(errno: number): string {
  const name = getSystemErrorName(-errno);
  if (!name.startsWith(UNKNOWN)) return name;
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? name;
}

const UNKNOWN = 'Unknown system error -';

/** A LockError for a failed system call. `errno` is its number (positive, as in C) or its name. */
export function systemError(
  action: string,
  resource: string,
  errno: number | string,
  cause?: unknown,
): LockError {
  const name = typeof errno === 'string' ? errno : errnoName(errno);
  const [fact, nextStep] = (isForbiddenByNode(cause) ? FORBIDDEN_BY_NODE : FACTS[name]) ?? [
    'the system call failed',
    'See errno(3)',
  ];
  return new LockError(`Could not ${action} "${resource}": ${fact} (${name}). ${nextStep}.`, {
    code: codeOfErrno(name),
    resource,
    cause: cause ?? Object.assign(new Error(name), { code: name }),
  });
}

/** Node's permission model allows no call on an open file: no fsync, no fchmod. */
function isForbiddenByNode(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === FORBIDDEN;
}

const FORBIDDEN = 'ERR_ACCESS_DENIED';

const FORBIDDEN_BY_NODE = [
  "Node's permission model forbids it",
  'Start node without --permission; under it only kernel locks without fencing work, with --allow-addons and access to the files',
] as const;

/** {@link errnoOf} an error, or of the cause of the LockError that reports it. */
export function errnoBehind(error: unknown): string | undefined {
  return errnoOf(error) ?? errnoOf((error as { cause?: unknown } | null)?.cause);
}

/** The errno name of anything thrown by Node's own file calls. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return undefined;
  if (code === FORBIDDEN) return 'EACCES';
  const name = code.startsWith(UNKNOWN) ? errnoName(Number(code.slice(UNKNOWN.length))) : code;
  return /^E[A-Z0-9]+$/.test(name) ? name : undefined;
}
