import type { ClaimsOptions } from '../../../claims/index.js';
import { DEFAULT_NETWORK_TIMEOUT_MS, pathClaimId } from '../../../claims/index.js';
import { JSON_OPTION, type OptionSpec, type ParsedArguments, type PositionalSpec } from '../../spec.js';
import { resolveTimeout } from '../../timeout.js';
import { UsageError } from '../../usage-error.js';

export const AGENT: OptionSpec = {
  name: 'agent',
  value: 'NAME',
  help: 'The agent that claims',
  default: 'HOLDFAST_AGENT, else user@host/worktree',
};
export const REMOTE: OptionSpec = {
  name: 'remote',
  value: 'REMOTE',
  help: 'The git remote that decides: a name, URL or path',
  default: "HOLDFAST_REMOTE, else git's holdfast.remote, else origin",
};
export const TIMEOUT: OptionSpec = {
  name: 'timeout',
  value: 'DUR',
  kind: 'duration',
  help: 'Time for everything, the network included',
  default: '30s, and as long again to find out what became of a push',
};
export const STALE_AFTER: OptionSpec = {
  name: 'stale-after',
  value: 'DUR',
  kind: 'duration',
  help: 'Without a sign of life for this long, a claim counts as stale',
  default: '1h',
};
export const BRANCH: OptionSpec = {
  name: 'branch',
  value: 'BRANCH',
  help: 'Where the work happens; the pre-push hook guards it',
};
export const REASON: OptionSpec = { name: 'reason', value: 'TEXT', help: 'Shown to others' };
export const QUIET_AFTER: OptionSpec = {
  name: 'quiet-after',
  value: 'DUR',
  kind: 'duration',
  help: 'Without progress for this long, a claim that is alive is marked as quiet',
  default: '30m',
};
export const COMMON = [AGENT, REMOTE, STALE_AFTER, TIMEOUT, JSON_OPTION];

export const IDS: PositionalSpec = {
  name: 'ID',
  help: 'What you have: issue-42, #42, feature/x, src/parser.ts; case does not count',
  isRepeatable: true,
  completes: 'none',
};
export const ID: PositionalSpec = { name: 'ID', help: IDS.help, completes: 'none' };

export const PATH: OptionSpec = {
  name: 'path',
  value: 'PATH',
  isRepeatable: true,
  help: 'A file or folder with all in it, besides the IDs: contends with every path that overlaps',
};
export const WAIT: OptionSpec = {
  name: 'wait',
  help: 'Look again each 5 s or so while another agent has it; no order is promised',
};

/** The ids that a command names, those of its paths included. */
export function idsOf(args: ParsedArguments): readonly string[] {
  const ids = [...args.positionals, ...args.list('path').map((path) => pathClaimId(path))];
  if (ids.length === 0) throw new UsageError('ID is missing', args.command.name);
  return ids;
}

/** The options that all commands about claims share. */
export async function claimsOptions(args: ParsedArguments): Promise<ClaimsOptions> {
  const timeout = await resolveTimeout(args, {
    option: 'timeout',
    configKey: 'claims',
    defaultMs: DEFAULT_NETWORK_TIMEOUT_MS,
  });
  const agent = args.text('agent');
  const remote = args.text('remote');
  const staleAfterMs = args.durationMs('stale-after');
  const quietAfterMs = args.durationMs('quiet-after');
  return {
    // Its own default has time to spare for a push that was sent.
    ...(timeout.source !== 'default' && { timeoutMs: timeout.ms }),
    ...(agent !== undefined && { agent }),
    ...(remote !== undefined && { remote }),
    ...(staleAfterMs !== undefined && { staleAfterMs }),
    ...(quietAfterMs !== undefined && { quietAfterMs }),
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
    throw new UsageError(error.message.replace(/\.$/, ''), args.command.name);
  }
}

/** Ours are sentences; the engine's ("x is not a function") have no full stop. */
function isBug(error: Error): boolean {
  return !error.message.endsWith('.');
}
