import type { Body } from './body.js';

/** Names one value of a register, and no other value that was ever there. */
export type Version = string;

/** What is there. `foreign`: a value that this version of Holdfast does not read. */
export type Reading =
  | { readonly kind: 'value'; readonly body: Body; readonly version: Version }
  | { readonly kind: 'foreign'; readonly format: string | undefined; readonly version: Version }
  | { readonly kind: 'absent' };

/**
 * What became of a conditional write. `conflict`: something else is there. `not-landed`: it was not carried out and never
 * will be, whatever is there. `unknown`: it may have been carried out, or be carried out later, as long as what it was to
 * replace is there.
 */
export type Written =
  | { readonly kind: 'landed'; readonly version: Version }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'not-landed' }
  | { readonly kind: 'unknown'; readonly error: unknown };

/**
 * A store of small values that can compare and swap: the only thing that a lock over it needs. A store that has this
 * becomes a backend by these two methods; see `s3/register` and PROTOCOL.md.
 */
export interface Register {
  /**
   * @param known the reading that the caller has: a store may say that it still stands, without sending it again.
   * @throws when the store cannot be asked.
   */
  read(name: string, known: Reading | undefined, budgetMs: number): Promise<Reading>;
  /**
   * Replaces the value of `version`, or makes the first where that is undefined. Sent once: a write that is repeated by
   * itself cannot distinguish its own success from that of another.
   *
   * @throws when the store refuses for good (no access, no such bucket): nothing was changed and nothing will be.
   */
  write(name: string, body: Body, version: Version | undefined, budgetMs: number): Promise<Written>;
  /** The names of all registers that were ever written. */
  list?(): Promise<readonly string[]>;
}
