import { dirname, join } from 'node:path';

import { formatDuration } from '../../core/duration.js';
import { isLockError } from '../../core/errors.js';
import { makeDirectory } from '../../files/make-directory.js';
import { makeOwnDirectories } from '../../files/make-own.js';
import { inspect } from '../../locks/inspect.js';
import { acquire } from '../../locks/acquire.js';
import { stateDirectory } from '../../platform/user-directories.js';
import { claimJson, holderJson } from '../json.js';
import type { AgentSession } from './agent-session.js';
import { answered } from './answer.js';
import { findClaim } from './claim-tools.js';
import { z, type McpServer } from './sdk.js';
import { claimShape, next } from './shapes.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const LONGEST_WAIT_S = 600;

const lockName = z.string().min(1).max(500).describe('A port, a build: port-3000. Or any address of a lock');

/** Where a named lock of this user on this host is; anything else is an address as it stands. */
export function addressOf(name: string): string {
  const state = stateDirectory();
  if (!NAME.test(name) || state === undefined) return name;
  const directory = join(state, 'named');
  makeDirectory(dirname(state), { mode: 0o700 });
  makeOwnDirectories(directory, { depth: 2 });
  return join(directory, `${name}.lock`);
}

/** Tools about locks, and why something cannot be had. */
export function addLockTools(server: McpServer, session: AgentSession): void {
  server.registerTool(
    'hold',
    {
      title: 'Hold a lock',
      description:
        'Take a named lock on this machine (a port, a build) until unhold, or until this session ends.',
      inputSchema: {
        name: lockName,
        reason: z.string().max(1000).optional(),
        wait: z.number().min(0).max(LONGEST_WAIT_S).optional().describe('Seconds'),
      },
      outputSchema: {
        name: z.string(),
        address: z.string(),
        outcome: z.string(),
        holders: z.array(z.looseObject({})),
        next,
      },
      annotations: { idempotentHint: true, destructiveHint: false },
    },
    (input) => answered(() => held(session, input)),
  );
  server.registerTool(
    'unhold',
    {
      title: 'Release a lock',
      description: 'Release a lock that you hold.',
      inputSchema: { name: lockName },
      outputSchema: { name: z.string(), outcome: z.string() },
      annotations: { idempotentHint: true, destructiveHint: false },
    },
    ({ name }) =>
      answered(async () => {
        const lock = session.locks.get(name);
        if (lock === undefined) return { name, outcome: 'not-held' };
        session.locks.delete(name);
        const wasLost = lock.guard.lost.aborted;
        await lock.guard.release();
        session.changed();
        return { name, outcome: wasLost ? 'lost' : 'released' };
      }),
  );
  server.registerTool(
    'why',
    {
      title: 'Explain what is in the way',
      description: 'Why a work item (id) or a lock (name) cannot be had: its holder, how alive, what to do.',
      inputSchema: { id: z.string().optional(), name: z.string().optional() },
      outputSchema: {
        isFree: z.boolean(),
        text: z.string(),
        claim: claimShape.optional(),
        holders: z.array(z.looseObject({})).optional(),
      },
      annotations: { readOnlyHint: true, openWorldHint: true },
    },
    ({ id, name }) =>
      answered(async () => {
        if (name !== undefined) return whyLock(name);
        if (id === undefined) throw new TypeError('Give the id of a work item, or the name of a lock.');
        return whyClaim(session, id);
      }),
  );
}

async function held(
  session: AgentSession,
  { name, reason, wait = 0 }: { name: string; reason?: string | undefined; wait?: number | undefined },
): Promise<object> {
  const known = session.locks.get(name);
  if (known !== undefined && !known.guard.lost.aborted)
    return { name, address: known.address, outcome: 'already-held', holders: [], next: 'Go on.' };
  const address = addressOf(name);
  try {
    const guard = await acquire(address, {
      timeoutMs: wait * 1_000,
      ...(reason !== undefined && { reason }),
    });
    session.locks.set(name, { address, guard });
    guard.lost.addEventListener('abort', () => session.changed());
    session.changed();
    return {
      name,
      address,
      outcome: 'held',
      holders: [],
      next: 'It is yours until unhold, or until the session ends.',
    };
  } catch (error) {
    if (!isLockError(error) || !error.isTimeout) throw error;
    // On a busy machine the error comes without names.
    const named = error.holders ?? [];
    const holders = (named.length > 0 ? named : (await inspect(address)).holders).map(holderJson);
    return { name, address, outcome: 'contended', holders, next: 'Use another one, or call hold with wait.' };
  }
}

async function whyLock(name: string): Promise<object> {
  const { isHeld, holders } = await inspect(addressOf(name));
  const who = holders.map(
    ({ command = 'a process', pid }) => `${command}${pid === undefined ? '' : ` (pid ${pid})`}`,
  );
  const text = isHeld ? `${name} is held by ${who.join(', ') || 'an unknown holder'}.` : `${name} is free.`;
  return { isFree: !isHeld, text, holders: holders.map(holderJson) };
}

async function whyClaim(session: AgentSession, id: string): Promise<object> {
  const current = await findClaim(session, id);
  if (current === undefined) return { isFree: true, text: `${id} is free: call claim.` };
  const { agent, alive, progress, isStale, isQuiet, isMine } = current;
  const clocks = `renewed ${formatDuration(alive.agoMs)} ago, last progress ${formatDuration(progress.agoMs)} ago`;
  const todo = isMine
    ? 'You have it.'
    : isStale
      ? 'It is stale: call steal with a reason.'
      : isQuiet
        ? 'It is alive and quiet: only a person may take it by force.'
        : 'Its holder is at work: take something else, or wait.';
  return {
    isFree: false,
    text: `${id} is claimed by ${agent}, ${clocks}. ${todo}`,
    claim: claimJson(current),
  };
}
