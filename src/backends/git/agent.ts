import { userInfo } from 'node:os';
import { basename, dirname } from 'node:path';

import { LockError } from '../../core/errors.js';
import { replaceUnsafe } from '../../core/escape.js';
import { hostname } from '../../platform/identity.js';
import { lastValue, type GitConfigEntry } from './configuration.js';
import { agentFault } from './record.js';
import type { Repository } from './repository.js';

/**
 * The agent that claims: `asked`, else HOLDFAST_AGENT, else `user@host/worktree`, so that two sessions of one person in two working
 * trees are two agents.
 *
 * @throws TypeError when `asked` cannot be a name, LockError HOLDFAST_CONFIG_MISMATCH when HOLDFAST_AGENT cannot.
 */
export function agentNamed(
  asked: string | undefined,
  env: NodeJS.ProcessEnv,
  entries: readonly GitConfigEntry[],
  repository: Repository | undefined,
): string {
  const agent = asked ?? env['HOLDFAST_AGENT'] ?? defaultAgent(env, entries, repository);
  const fault = agentFault(agent);
  if (fault === undefined) return agent;
  if (asked !== undefined) throw new TypeError(`"${asked.slice(0, 120)}" cannot name an agent: ${fault}.`);
  throw new LockError(
    `Could not claim as "${agent.slice(0, 120)}" (HOLDFAST_AGENT): that cannot name an agent: ${fault}. Set another name.`,
    { code: 'HOLDFAST_CONFIG_MISMATCH' },
  );
}

function defaultAgent(
  env: NodeJS.ProcessEnv,
  entries: readonly GitConfigEntry[],
  repository: Repository | undefined,
): string {
  const user = nameOnly(lastValue(entries, 'user.name') ?? env['USER'] ?? systemUser());
  const place = repository === undefined ? '' : `/${nameOnly(workTreeName(repository))}`;
  return `${user.slice(0, 40)}@${nameOnly(hostname()).slice(0, 25)}${place.slice(0, 33)}`.trim();
}

/** Unlike any other of the same clone: git's own name of a linked working tree, else that of the clone's folder. */
function workTreeName({ topLevel, gitDir, commonDir }: Repository): string {
  const main = basename(gitDir === commonDir ? topLevel : dirname(commonDir));
  if (gitDir === commonDir) return main;
  const linked = basename(gitDir);
  return linked === main ? `${linked}~` : linked;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

/** Without what no name of an agent may have. */
function nameOnly(text: string): string {
  return replaceUnsafe(text, '').replace(/[<>]/g, '').trim() || 'unknown';
}
