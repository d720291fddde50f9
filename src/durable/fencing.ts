import { LockError } from '../core/errors.js';

/** What a fenced write compares. */
export interface Fencing {
  /** Of the hold under which this write is made; undefined: it has none. */
  readonly token: bigint | undefined;
  /** The token in the present content; undefined when there is none. */
  readonly tokenOf: (content: Uint8Array) => bigint | undefined;
  /** The token in the content that the file had in this state (`namedState`), which need not be read again. */
  readonly known?: { readonly state: string; readonly token: bigint | undefined };
}

/**
 * Refuses a writer whose hold is older than the one that wrote last. A writer without a token cannot show its age
 * and is refused as well once the content carries one.
 *
 * @throws LockError HOLDFAST_LOST
 */
export function assertNotFenced(path: string, token: bigint | undefined, found: bigint | undefined): void {
  if (found === undefined || (token !== undefined && token >= found)) return;
  const fact =
    token === undefined
      ? `it was written under fencing token ${found}, and this write carries none`
      : `it was written under fencing token ${found}, and this write carries the older ${token}`;
  throw new LockError(
    `Could not write "${path}": ${fact}. Acquire the lock again and start from its content.`,
    {
      code: 'HOLDFAST_LOST',
      resource: path,
      lossReason: 'taken',
    },
  );
}
