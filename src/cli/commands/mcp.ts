import type { CommandForm, ParsedArguments } from '../spec.js';
import { UsageError } from '../usage-error.js';
import { AGENT, REMOTE, STALE_AFTER, asUsage, claimsOptions } from './claims/options.js';
import { packageVersion } from './version.js';

export const spec: CommandForm = {
  name: 'mcp',
  summary: 'Serve claims and locks to an agent over the Model Context Protocol',
  usage: ['mcp [OPTIONS]'],
  description: [
    'Speaks JSON-RPC on stdin and stdout; an editor or agent starts it. Tools: claim, release, note, list, show, why, steal, hold, unhold. Claims are renewed by this process, not by the model, until stdin ends or its parent is another one.',
    'A session is HOLDFAST_SESSION, else random: two editors in one working tree are two sessions and contend. A newer server of the same session takes its claims over.',
  ],
  options: [
    AGENT,
    REMOTE,
    { ...STALE_AFTER, default: '15m; renewed after a third of it' },
    {
      name: 'on-exit',
      value: 'HOW',
      choices: ['release', 'keep'],
      help: 'What becomes of claims at the end: released, or kept until they are stale',
      default: 'release',
    },
    { name: 'grace', value: 'DUR', kind: 'duration', help: 'Time to release at the end', default: '1.5s' },
    {
      name: 'interval',
      value: 'DUR',
      kind: 'duration',
      help: 'How often to look for subscribers',
      default: '10s',
    },
  ],
  examples: [{ command: 'npx -y holdfast mcp', help: 'The command line of the client configuration' }],
};

const DEFAULT_STALE_AFTER_MS = 15 * 60_000;
const DEFAULT_GRACE_MS = 1_500;
const DEFAULT_INTERVAL_MS = 10_000;
const LONGEST_AGENT = 100;

export async function execute(args: ParsedArguments): Promise<number> {
  const { serve, sessionName } = await import('../mcp/serve.js');
  const { agentOf } = await import('../../claims/index.js');
  const given = await claimsOptions(args);
  const { session, agent } = await asUsage(args, async () => ({
    session: sessionName(process.env),
    agent: await agentOf(given),
  }));
  const staleAfterMs = given.staleAfterMs ?? DEFAULT_STALE_AFTER_MS;
  if (!(staleAfterMs > 0)) throw new UsageError('--stale-after must be positive', 'mcp');
  await serve({
    claims: {
      ...given,
      staleAfterMs,
      agent: `${agent.slice(0, LONGEST_AGENT - 1 - session.length).trim()}~${session}`,
    },
    version: packageVersion(),
    onExit: args.text('on-exit') === 'keep' ? 'keep' : 'release',
    graceMs: args.durationMs('grace') ?? DEFAULT_GRACE_MS,
    intervalMs: args.durationMs('interval') ?? DEFAULT_INTERVAL_MS,
  });
  // What is under way must not keep the process: the session is over.
  process.exit(0);
}
