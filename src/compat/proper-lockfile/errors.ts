/** The codes that callers of proper-lockfile know. */
export type CompatCode = 'ELOCKED' | 'ENOTACQUIRED' | 'ERELEASED' | 'ECOMPROMISED' | 'ESYNC';

/** An error as proper-lockfile throws it. */
export interface CompatError extends Error {
  /** What happened. */
  readonly code: CompatCode;
  /** The file that was to be locked. */
  readonly file?: string;
}

const MESSAGES: Readonly<Record<CompatCode, string>> = {
  ELOCKED: 'Lock file is already being held',
  ENOTACQUIRED: 'Lock is not acquired/owned by you',
  ERELEASED: 'Lock is already released',
  ECOMPROMISED: 'Unable to update lock within the stale threshold',
  ESYNC: 'Cannot use retries with the sync api',
};

/** Messages word for word as proper-lockfile has them: programs match on them. `cause` may say more. */
export function compatError(code: CompatCode, file: string, cause?: unknown): CompatError {
  const error = new Error(MESSAGES[code], cause === undefined ? undefined : { cause });
  return Object.assign(error, { code, file });
}
