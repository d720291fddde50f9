import { Timeout } from '../../../core/timeout.js';
import type { WaitEvent } from '../../../core/events.js';
import { systemClock } from '../../../platform/clock.js';
import { DEFAULT_INSTALL_TIMEOUT_MS } from '../../../provision/install-options.js';
import { WaitReport } from '../../render/waiting.js';
import { durationOf } from '../../parse.js';
import type { ParsedArguments } from '../../spec.js';
import { resolveTimeout } from '../../timeout.js';

/** How long to wait for another install, and what decided that. */
export async function waitTimeout(args: ParsedArguments): Promise<Timeout> {
  if (args.has('no-wait')) return new Timeout(0, '--no-wait');
  return resolveTimeout(args, {
    option: 'timeout',
    configKey: 'setup',
    defaultMs: DEFAULT_INSTALL_TIMEOUT_MS,
  });
}

const FETCH_VARIABLE = 'HOLDFAST_FETCH_TIMEOUT';

/** How long one attempt to fetch may take, where the environment says so: slow lines, and CI runs that must not hang. */
export function attemptTimeoutMs(
  args: ParsedArguments,
  env: NodeJS.ProcessEnv = process.env,
): number | undefined {
  const text = env[FETCH_VARIABLE];
  return text === undefined || text === '' ? undefined : durationOf(text, FETCH_VARIABLE, args.command.name);
}

/** Prints to stderr which process an install waits for. */
export function waitListener(recipe: string, timeout: Timeout): (event: WaitEvent) => void {
  const report = new WaitReport({ address: recipe, timeout, clock: systemClock });
  return report.onWait;
}
