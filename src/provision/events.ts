/** What an install is doing, in this order; a cached one does none of it. */
export type Stage =
  | 'prerequisites'
  | 'clone'
  | 'submodules'
  | 'download'
  | 'unpack'
  | 'build'
  | 'verify'
  | 'sync'
  | 'stamp'
  | 'swap';

/**
 * What `onEvent` receives. Called in order and synchronously, before the thing named happens; what it throws ends the
 * install as a failure of that thing would.
 */
export type ProvisionEvent =
  | { readonly type: 'stage'; readonly recipe: string; readonly stage: Stage; readonly step?: string }
  | { readonly type: 'output'; readonly recipe: string; readonly line: string }
  | {
      readonly type: 'retry';
      readonly recipe: string;
      /** The attempt that failed, from 1. */
      readonly attempt: number;
      readonly attempts: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  | {
      readonly type: 'step-failed';
      readonly recipe: string;
      readonly step: string;
      readonly logPath: string;
      /** At most the last {@link TAIL_LINES} lines of its output. */
      readonly tail: readonly string[];
    }
  | { readonly type: 'note'; readonly recipe: string; readonly text: string }
  | {
      readonly type: 'done';
      readonly recipe: string;
      readonly outcome: Outcome;
      readonly dir: string;
    };

/** `cached`: nothing was done. `provided`: it is the user's own, named by `{NAME}_DIR` or `{NAME}_LIBDIR`. */
export type Outcome = 'installed' | 'updated' | 'repaired' | 'cached' | 'provided';

/** Number of lines of a failed step's output that its error carries. */
export const TAIL_LINES = 50;

/** Events of one recipe, as the parts of an install send them. */
export interface Reporter {
  stage(stage: Stage, step?: string): void;
  output(line: string): void;
  note(text: string): void;
  send(event: DistributiveOmit<ProvisionEvent, 'recipe'>): void;
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export function reporterFor(
  recipe: string,
  onEvent: ((event: ProvisionEvent) => void) | undefined,
): Reporter {
  const send: Reporter['send'] = (event) => onEvent?.({ ...event, recipe } as ProvisionEvent);
  return {
    send,
    stage: (stage, step) => send({ type: 'stage', stage, ...(step !== undefined && { step }) }),
    output: (line) => send({ type: 'output', line }),
    note: (text) => send({ type: 'note', text }),
  };
}
