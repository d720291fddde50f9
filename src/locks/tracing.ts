import { warnings } from '../core/warnings.js';

/** Set while the code that records waits and holds is being loaded; a lock that is acquired meanwhile waits for it. */
export const tracing: { ready: Promise<void> | undefined } = { ready: undefined };

let isStarted = false;

/** With HOLDFAST_TRACE=DIR, at the first lock of this thread. A directory that cannot be used costs the trace only. */
export function startTracing(): void {
  if (isStarted) return;
  isStarted = true;
  const directory = process.env['HOLDFAST_TRACE'];
  if (directory === undefined || directory === '') return;
  tracing.ready = import('../observe/out/trace.js')
    .then(({ startTrace }) => startTrace(directory))
    .catch((error: unknown) => warn(directory, error))
    .finally(() => (tracing.ready = undefined));
}

function warn(directory: string, error: unknown): void {
  if (!warnings.areOn) return;
  const why = error instanceof Error ? error.message : String(error);
  process.emitWarning(`HOLDFAST_TRACE="${directory}" is not used. ${why}`, {
    type: 'HoldfastWarning',
    code: 'HOLDFAST_TRACE',
  });
}
