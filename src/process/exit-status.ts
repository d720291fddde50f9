import { constants } from 'node:os';

/** How a child ended, or why it never began. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: NodeJS.Signals }
  | SpawnFailure;

export interface SpawnFailure {
  readonly kind: 'not-started';
  readonly exitCode: typeof EXIT_NOT_FOUND | typeof EXIT_NOT_EXECUTABLE;
  /** `interpreter-not-found`: the file is there, the program its first line names is not. */
  readonly reason:
    'not-found' | 'not-executable' | 'interpreter-not-found' | 'directory-not-found' | 'failed';
  readonly cause: Error;
}

export const EXIT_NOT_FOUND = 127;
export const EXIT_NOT_EXECUTABLE = 126;

/** The exit code a shell reports: the child's own, 128+n for signal n, 127 not found, 126 not executable. */
export function exitCodeOf(end: ChildEnd): number {
  switch (end.kind) {
    case 'exited':
      return end.code;
    case 'signaled':
      return exitCodeOfSignal(end.signal);
    case 'not-started':
      return end.exitCode;
  }
}

/** 128+n. A signal that this platform does not number reads as 128. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + ((constants.signals as Partial<Record<string, number>>)[signal] ?? 0);
}
