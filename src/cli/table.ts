import type { CommandSpec } from './spec.js';
import { BUILD_ADDON, COMPLETION, DOCTOR, HELP, VERSION } from './specs/about.js';
import { BREAK } from './specs/break.js';
import { CLEAN, LS, SHOW, TEST, WAIT } from './specs/locks.js';
import { CACHE_GET, CACHE_REFRESH, CACHE_STATUS } from './specs/cache.js';
import { CLAIM, CLAIMS, UNCLAIM } from './specs/claims.js';
import { RUN } from './specs/run.js';
import { VERIFY } from './specs/verify.js';
import { WHY } from './specs/why.js';
import { SETUP, SETUP_LIST, SETUP_PATH, SETUP_REMOVE, SETUP_STATUS } from './specs/setup.js';

/** Every command, in the order in which help shows them. The one table that everything else is made from. */
export const COMMANDS: readonly CommandSpec[] = [
  { ...RUN, load: () => import('./commands/run.js') },
  TEST,
  WAIT,
  LS,
  SHOW,
  WHY,
  CLEAN,
  BREAK,
  DOCTOR,
  VERIFY,
  CACHE_REFRESH,
  CACHE_GET,
  CACHE_STATUS,
  SETUP,
  SETUP_LIST,
  SETUP_STATUS,
  SETUP_PATH,
  SETUP_REMOVE,
  CLAIM,
  UNCLAIM,
  ...CLAIMS,
  BUILD_ADDON,
  COMPLETION,
  HELP,
  VERSION,
];

/** The command that the words begin with, the longest name first, and how many words its name takes. */
export function findCommand(words: readonly string[]): { command: CommandSpec; length: number } | undefined {
  let found: { command: CommandSpec; length: number } | undefined;
  for (const command of COMMANDS) {
    const name = command.name.split(' ');
    if (name.length <= (found?.length ?? 0)) continue;
    if (name.every((word, index) => words[index] === word)) found = { command, length: name.length };
  }
  return found;
}
