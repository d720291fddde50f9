import {
  BOOLEAN,
  FUNCTION,
  NUMBER,
  OBJECT,
  oneOf,
  SIGNAL,
  TEXT,
  type OptionRule,
} from '../core/check-options.js';
import type { WaitEvent } from '../core/events.js';
import type { LockOptions } from '../core/options.js';
import type { Clock } from '../core/time.js';
import type { ProvisionEvent, Reporter } from './events.js';
import type { FetchContext } from './fetch-context.js';
import type { Layout } from './layout.js';
import type { Recipe } from './recipe.js';

/** How long an install waits for another one of the same toolchain: builds take minutes. */
export const DEFAULT_INSTALL_TIMEOUT_MS = 600_000;

/** Options of {@link remove}. */
export interface RemoveOptions {
  /** Install directory. Default: `{NAME}_DIR`, else `$XDG_DATA_HOME/holdfast/NAME`. */
  readonly dir?: string;
  /** Milliseconds to wait for the lock: `0` not at all, Infinity for ever. Default {@link DEFAULT_INSTALL_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Where the timeout comes from, as messages name it. Default `timeoutMs`. */
  readonly timeoutSource?: string;
  /** Ends the wait with HOLDFAST_CANCELED. Default: none. */
  readonly signal?: AbortSignal;
  /** Called when the call must wait for another process. Default: none. */
  readonly onWait?: (event: WaitEvent) => void;
  /** Environment of the programs, and where the overrides are looked up. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Options of {@link install}. */
export interface InstallOptions extends RemoveOptions {
  /** Branch, tag or full commit id, instead of the recipe's own. Without it, an install of any ref will do. */
  readonly ref?: string;
  /** Whether the remote is asked, and the toolchain built again when it has moved. Default `false`. */
  readonly update?: boolean;
  /**
   * `auto` (default): build when nothing usable is installed. `never`: only check what is there. `always`: build
   * again also when nothing is wrong.
   */
  readonly repair?: 'auto' | 'never' | 'always';
  /** Without network: what is installed is used, or the call fails. Default `false`. */
  readonly offline?: boolean;
  /** Ends the wait or the install, and every program that it runs. Default: none. */
  readonly signal?: AbortSignal;
  /** Receives stages, progress and output. Default: none. */
  readonly onEvent?: (event: ProvisionEvent) => void;
  /** Milliseconds for one attempt to fetch a source. Default: the recipe's, else `DEFAULT_ATTEMPT_TIMEOUT_MS`. */
  readonly attemptTimeoutMs?: number;
  /** Stray by up to a tenth from the waits between attempts. Default true. */
  readonly jitter?: boolean;
}

export const REMOVE_OPTIONS = {
  dir: TEXT,
  timeoutMs: NUMBER,
  timeoutSource: TEXT,
  signal: SIGNAL,
  onWait: FUNCTION,
  env: OBJECT,
} satisfies Record<keyof RemoveOptions, OptionRule>;

export const INSTALL_OPTIONS = {
  ...REMOVE_OPTIONS,
  ref: TEXT,
  update: BOOLEAN,
  repair: oneOf('auto', 'never', 'always'),
  offline: BOOLEAN,
  onEvent: FUNCTION,
  attemptTimeoutMs: NUMBER,
  jitter: BOOLEAN,
} satisfies Record<keyof InstallOptions, OptionRule>;

/** How an install, a removal or a rollback waits for the one lock. */
export function lockOptionsOf(reason: string, options: RemoveOptions): LockOptions {
  const { timeoutMs, timeoutSource, signal, onWait } = options;
  return {
    timeoutMs: timeoutMs ?? DEFAULT_INSTALL_TIMEOUT_MS,
    timeoutSource: timeoutSource ?? (timeoutMs === undefined ? 'default' : 'timeoutMs'),
    reason,
    ...(signal && { signal }),
    ...(onWait && { onWait }),
  };
}

/** One install under way. */
export interface InstallRun {
  readonly recipe: Recipe;
  readonly ref: string | undefined;
  readonly layout: Layout;
  readonly fetch: FetchContext;
  /** The caller's whole environment: what programs get of it is decided where they are started. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly options: InstallOptions;
}
