import type { Clock } from '../core/time.js';
import type { Reporter } from './events.js';

/** How long one attempt to fetch a source may take. */
export const DEFAULT_ATTEMPT_TIMEOUT_MS = 600_000;

/** What everything that fetches a source needs to know. */
export interface FetchContext {
  readonly recipeName: string;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly attemptTimeoutMs: number;
  readonly hasJitter: boolean;
}
