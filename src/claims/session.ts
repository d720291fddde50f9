import type { Clock } from '../core/time.js';
import { LockError, LockCanceledError } from '../core/errors.js';
import {
  agentFault,
  assertClaimId,
  DEFAULT_NETWORK_TIMEOUT_MS,
  DEFAULT_STALE_AFTER_MS,
  deadlineIn,
  lastValue,
  openArbiter,
  type Arbiter,
  type ClaimStore,
  type Deadline,
  type SigningOptions,
} from '../backends/git/index.js';
import { hostname } from '../platform/identity.js';
import { gitHost } from '../locks/git-host.js';
import { fileNamespace } from '../locks/resolve.js';

/** What every function about claims understands. */
export interface ClaimsOptions {
  /** A directory of the clone. Default: the current one. */
  readonly cwd?: string;
  /** Name, URL or path of the remote that decides. Default: `HOLDFAST_REMOTE`, else git's
   * `holdfast.remote`, else `origin`. */
  readonly remote?: string;
  /** Who claims: an identity, not a process. Default: `HOLDFAST_AGENT`, else git's user name and the host. */
  readonly agent?: string;
  /** Milliseconds for everything, the network included. Default {@link DEFAULT_NETWORK_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Ends the call with HOLDFAST_CANCELED. A push that was under way is settled by the next call. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds that a claim must have stayed the same, as seen from this clone, to count as stale; the longer of
   * this and what its holder asked for. Also what new claims ask for. Default {@link DEFAULT_STALE_AFTER_MS}.
   */
  readonly staleAfterMs?: number;
  readonly signing?: SigningOptions;
  /** Environment of git. Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** One call: who asks, whom, and until when. */
export interface Session {
  readonly arbiter: Arbiter;
  readonly agent: string;
  readonly staleAfterMs: number;
  readonly deadline: Deadline;
  readonly clock: Clock;
  readonly cwd: string;
  use<T>(fn: (store: ClaimStore) => Promise<T>): Promise<T>;
}

/**
 * @throws LockError HOLDFAST_CONFIG_MISMATCH without a usable remote.
 * @throws TypeError for a name that no agent can have; RangeError for durations out of range.
 */
export async function openSession(options: ClaimsOptions): Promise<Session> {
  const { cwd = process.cwd(), env = process.env, timeoutMs = DEFAULT_NETWORK_TIMEOUT_MS } = options;
  const { staleAfterMs = DEFAULT_STALE_AFTER_MS, signal } = options;
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be positive, not ${timeoutMs}.`);
  if (!(staleAfterMs >= 0 && staleAfterMs <= Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`staleAfterMs must not be negative, not ${staleAfterMs}.`);
  }
  const remote = options.remote ?? env['HOLDFAST_REMOTE'];
  const host = gitHost(fileNamespace());
  const { clock } = host;
  const deadline = deadlineIn(timeoutMs, clock, signal);
  const arbiter = await openArbiter(
    {
      cwd,
      env,
      ...(remote !== undefined && { remote }),
      ...(options.signing && { signing: options.signing }),
    },
    host,
  );
  return {
    arbiter,
    agent: agentOf(options.agent ?? env['HOLDFAST_AGENT'], arbiter),
    staleAfterMs: Math.round(staleAfterMs),
    deadline,
    clock,
    cwd,
    use: (fn) => canceledAs(deadline.signal, () => arbiter.use(deadline, fn)),
  };
}

function agentOf(asked: string | undefined, { entries }: Arbiter): string {
  const agent =
    asked ?? `${lastValue(entries, 'user.name') ?? process.env['USER'] ?? 'somebody'}@${hostname()}`;
  const fault = agentFault(agent);
  if (fault !== undefined) throw new TypeError(`"${agent.slice(0, 120)}" cannot name an agent: ${fault}.`);
  return agent;
}

async function canceledAs<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (signal?.aborted !== true || error !== signal.reason) throw error;
    throw new LockCanceledError(
      'Could not finish with the claims: the caller canceled. Run the same command again to learn what was published.',
      { resource: 'claims', cause: error },
    );
  }
}

/** @throws TypeError for ids that cannot name a claim. Repeated ids count once. */
export function idList(ids: string | readonly string[]): readonly string[] {
  const list = [...new Set(typeof ids === 'string' ? [ids] : ids)];
  if (list.length === 0) throw new TypeError('No claim was named.');
  for (const id of list) assertClaimId(id);
  return list;
}

/** @throws TypeError unless it is one line of at most 1000 characters. */
export function oneLine(name: string, text: string | undefined): string | undefined {
  if (text === undefined || (text !== '' && text.length <= 1_000 && !/[\u0000-\u001f\u007f]/.test(text)))
    return text;
  throw new TypeError(`${name} must be one line of text, at most 1000 characters.`);
}

export function brokenError(id: string, problem: string): LockError {
  return new LockError(`Could not judge "${id}": ${problem}. Look at it with: holdfast claims repair.`, {
    code: 'HOLDFAST_PROTOCOL',
    resource: id,
  });
}
