/** What the cases need of a lock manager. */
export interface LockLike {
  request(...args: unknown[]): Promise<unknown>;
  query(): Promise<{ held: unknown[]; pending: unknown[] }>;
}

interface Case {
  readonly file: string;
  readonly law: string;
  readonly run: (locks: LockLike, name: string) => Promise<void>;
}

export declare const cases: readonly Case[];
export declare const beyondNode: readonly Case[];
