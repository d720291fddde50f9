import { basename, dirname, resolve } from 'node:path';

/** The steps of a durable write, in their order. A failure names the one it happened in. */
export type Step = 'open-directory' | 'create' | 'lock' | 'write' | 'sync' | 'rename' | 'sync-directory';

/** A failed system call on the way; `write.ts` turns it into the error that callers see. */
export class StepError extends Error {
  readonly step: Step;
  /** Name of the errno. */
  readonly errno: string;

  constructor(step: Step, errno: string, cause?: unknown) {
    super(`${step}: ${errno}`, cause === undefined ? undefined : { cause });
    this.step = step;
    this.errno = errno;
  }
}

/** Where to write: a regular file or nothing lies at `directory/name`, and it is no link. */
export interface Destination {
  readonly directory: string;
  readonly name: string;
  readonly path: string;
}

/** The new content, complete and synced, in a temp file beside its destination. Ends in `finish` or `discard`. */
export interface Replacement {
  readonly tempPath: string;
  /** After the rename: syncs the directory and lets go of the temp. */
  finish(): Promise<void>;
  /** Removes the temp. */
  discard(): Promise<void>;
}

/** Writes the temps. Two kinds with the same guarantees: the addon's, and one out of Node's own file calls. */
export interface TempWriter {
  /** @throws StepError; `EAGAIN` at step `lock` means that a sweep took the temp. Nothing is left then. */
  prepare(destination: Destination, data: Uint8Array, mode: number | undefined): Promise<Replacement>;
  /** `prepare`, rename and `finish` in one go, where that is cheaper and nothing is to be checked in between. */
  replace?(destination: Destination, data: Uint8Array, mode: number | undefined): Promise<void>;
}

export function destinationOf(path: string): Destination {
  const absolute = resolve(path);
  return { directory: dirname(absolute), name: basename(absolute), path: absolute };
}
