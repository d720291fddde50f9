import type { HoldContext } from './hold.js';

export interface PostgresContext extends HoldContext {
  readonly display: string;
}

/** Which advisory lock was granted, and the token drawn under it. */
export interface Won {
  readonly key: string;
  readonly token: bigint;
}
