import type { ClaimsOptions } from '../../claims/index.js';
import { DEFAULT_NETWORK_TIMEOUT_MS } from '../../claims/index.js';
import { singleLine } from '../render/text.js';
import type { ParsedArguments } from '../spec.js';
import { resolveTimeout } from '../timeout.js';
import { UsageError } from '../usage-error.js';

/** The options that all commands about claims share. */
export async function claimsOptions(args: ParsedArguments): Promise<ClaimsOptions> {
  const { timeoutMs } = await resolveTimeout(args, {
    option: 'timeout',
    configKey: 'claims',
    defaultMs: DEFAULT_NETWORK_TIMEOUT_MS,
  });
  const agent = args.text('agent');
  const remote = args.text('remote');
  const staleAfterMs = args.durationMs('stale-after');
  return {
    timeoutMs,
    ...(agent !== undefined && { agent }),
    ...(remote !== undefined && { remote }),
    ...(staleAfterMs !== undefined && { staleAfterMs }),
  };
}

/** Text options by name, without those that were not given. */
export function texts<K extends string>(
  args: ParsedArguments,
  ...names: readonly K[]
): { [N in K]?: string } {
  const found: { [N in K]?: string } = {};
  for (const name of names) {
    const value = args.text(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** What the library calls a wrong argument is a wrong command line here: exit 64. */
export async function asUsage<T>(args: ParsedArguments, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError) || isBug(error)) throw error;
    throw new UsageError(singleLine(error.message.replace(/\.$/, '')), args.command.name);
  }
}

/** Ours are sentences; the engine's ("x is not a function") have no full stop. */
function isBug(error: Error): boolean {
  return !error.message.endsWith('.');
}
