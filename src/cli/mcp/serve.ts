import { randomBytes } from 'node:crypto';

import type { ClaimsOptions } from '../../claims/index.js';
import { systemClock } from '../../platform/clock.js';
import { note, onStdoutEnd } from '../output.js';
import { AgentSession } from './agent-session.js';
import { addClaimTools } from './claim-tools.js';
import { addLockTools } from './lock-tools.js';
import { addPrompts } from './prompts.js';
import { Resources } from './resources.js';
import { McpServer, StdioServerTransport } from './sdk.js';

export interface ServeOptions {
  readonly claims: ClaimsOptions & { readonly staleAfterMs: number };
  readonly version: string;
  readonly onExit: 'release' | 'keep';
  readonly graceMs: number;
  /** How often subscribers' resources are looked at. */
  readonly intervalMs: number;
}

const INSTRUCTIONS =
  'Holdfast keeps agents from doing the same work. Before you work on an item or change files, call claim with its id (and paths) and a reason. claimed or already-held: go on. contended: take something else. unconfirmed: call claim again. Note progress; release when finished (done: true). Claims are renewed for you while this server runs. Steal only what is stale. hold/unhold guard a port or a build on this machine. If a claim was lost, stop working on it.';

const PARENT_LOOK_MS = 250;

/** Serves one client on stdin and stdout until one of them, or the parent, has gone; then ends what the session holds. */
export async function serve(options: ServeOptions): Promise<void> {
  const server = new McpServer(
    { name: 'holdfast', title: 'Holdfast', version: options.version },
    { instructions: INSTRUCTIONS, capabilities: { logging: {} } },
  );
  const onLost = (what: string): void => {
    note(`holdfast mcp: ${what}`);
    server.sendLoggingMessage({ level: 'warning', logger: 'holdfast', data: what }).catch(() => undefined);
  };
  const session = new AgentSession(options.claims, { onLost, onChange: () => resources.changed() });
  const resources = new Resources(server, () => session, options.intervalMs);
  addClaimTools(server, session);
  addLockTools(server, session);
  addPrompts(server);
  const ended = endOf(server);
  await server.connect(new StdioServerTransport());
  // What an earlier server of this session held; without the remote this one works all the same.
  let isEnding = false;
  const begun = session.begin().catch((error: unknown) => {
    if (isEnding) return;
    note(`holdfast mcp: ${error instanceof Error ? error.message : String(error)}`);
  });
  await ended;
  isEnding = true;
  resources.end();
  await Promise.all([session.end(options.onExit, options.graceMs), begun]);
}

/** Resolves when the client has gone: end of stdin, a closed stdout, another parent, a signal. */
function endOf(server: McpServer): Promise<void> {
  return new Promise((resolve) => {
    const parent = process.ppid;
    const look = (): void => {
      if (process.ppid !== parent) return resolve();
      systemClock.setTimer(PARENT_LOOK_MS, look, { keepsProcessAlive: false });
    };
    look();
    process.stdin
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
    onStdoutEnd(resolve);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    server.server.onclose = resolve;
  });
}

/** HOLDFAST_SESSION, else 128 random bits. @throws TypeError for a name that cannot be part of an agent's. */
export function sessionName(env: NodeJS.ProcessEnv): string {
  const name = env['HOLDFAST_SESSION'];
  if (name === undefined || name === '') return randomBytes(16).toString('hex');
  if (/^[A-Za-z0-9._-]{1,40}$/.test(name)) return name;
  throw new TypeError('HOLDFAST_SESSION must have 1 to 40 letters, digits, dots, dashes and underscores.');
}
