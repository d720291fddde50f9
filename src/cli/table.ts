import type { CommandForm, CommandModule } from './spec.js';

/** A command: its name, and the file with its form and its code. */
export interface CommandEntry {
  /** Words behind `holdfast`: `run`, `cache refresh`. */
  readonly name: string;
  readonly load: () => Promise<CommandModule>;
}

/** Every command, in the order in which help shows them. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'run', load: () => import('./commands/run.js') },
  { name: 'test', load: () => import('./commands/test.js') },
  { name: 'wait', load: () => import('./commands/wait.js') },
  { name: 'ls', load: () => import('./commands/ls.js') },
  { name: 'show', load: () => import('./commands/show.js') },
  { name: 'top', load: () => import('./commands/top.js') },
  { name: 'trace', load: () => import('./commands/trace/summary.js') },
  { name: 'trace export', load: () => import('./commands/trace/export.js') },
  { name: 'why', load: () => import('./commands/why.js') },
  { name: 'clean', load: () => import('./commands/clean.js') },
  { name: 'break', load: () => import('./commands/break.js') },
  { name: 'doctor', load: () => import('./commands/doctor.js') },
  { name: 'verify', load: () => import('./commands/verify.js') },
  { name: 'cache refresh', load: () => import('./commands/cache/refresh.js') },
  { name: 'cache get', load: () => import('./commands/cache/get.js') },
  { name: 'cache ls', load: () => import('./commands/cache/ls.js') },
  { name: 'cache rm', load: () => import('./commands/cache/rm.js') },
  { name: 'cache status', load: () => import('./commands/cache/status.js') },
  { name: 'setup', load: () => import('./commands/setup/install.js') },
  { name: 'setup list', load: () => import('./commands/setup/list.js') },
  { name: 'setup status', load: () => import('./commands/setup/status.js') },
  { name: 'setup path', load: () => import('./commands/setup/path.js') },
  { name: 'setup rollback', load: () => import('./commands/setup/rollback.js') },
  { name: 'setup remove', load: () => import('./commands/setup/remove.js') },
  { name: 'claim', load: () => import('./commands/claims/claim.js') },
  { name: 'unclaim', load: () => import('./commands/claims/unclaim.js') },
  { name: 'claims', load: () => import('./commands/claims/list.js') },
  { name: 'claims list', load: () => import('./commands/claims/list.js') },
  { name: 'claims steal', load: () => import('./commands/claims/steal.js') },
  { name: 'claims check', load: () => import('./commands/claims/check.js') },
  { name: 'claims history', load: () => import('./commands/claims/history.js') },
  { name: 'claims note', load: () => import('./commands/claims/note.js') },
  { name: 'claims renew', load: () => import('./commands/claims/renew.js') },
  { name: 'claims repair', load: () => import('./commands/claims/repair.js') },
  { name: 'claims next', load: () => import('./commands/claims/next.js') },
  { name: 'claims prune', load: () => import('./commands/claims/prune.js') },
  { name: 'claims doctor', load: () => import('./commands/claims/doctor.js') },
  { name: 'claims sync', load: () => import('./commands/claims/sync.js') },
  { name: 'claims watch', load: () => import('./commands/claims/watch.js') },
  { name: 'claims hook install', load: () => import('./commands/claims/hook-install.js') },
  { name: 'mcp', load: () => import('./commands/mcp.js') },
  { name: 'build-addon', load: () => import('./commands/build-addon.js') },
  { name: 'completion', load: () => import('./commands/completion.js') },
  { name: 'help', load: () => import('./commands/help.js') },
  { name: 'version', load: () => import('./commands/version.js') },
];

/** The forms of all commands. Loads the code of each: the build does this once and keeps the result, see {@link readForms}. */
export async function loadForms(): Promise<readonly CommandForm[]> {
  return Promise.all(COMMANDS.map(async ({ name, load }) => ({ ...(await load()).spec, name })));
}
