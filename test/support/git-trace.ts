import { existsSync, readFileSync, rmSync } from 'node:fs';

const NETWORK: ReadonlySet<string> = new Set(['fetch', 'push', 'ls-remote']);

/**
 * The git processes that we started, in order, from a file of GIT_TRACE2_EVENT, which is emptied. The helpers that git itself
 * starts are git's: a process that another git started has its parent's id in its own.
 */
export function takeGitProcesses(trace: string): string[] {
  if (!existsSync(trace)) return [];
  const lines = readFileSync(trace, 'utf8').split('\n');
  rmSync(trace);
  return lines
    .filter((line) => line.includes('"event":"start"'))
    .map((line) => JSON.parse(line) as { sid: string; argv: string[] })
    .filter(({ sid }) => !sid.includes('/'))
    .map(({ argv }) => argv[1] ?? '');
}

/** Those that talk to the remote: one round trip each. */
export function roundTripsIn(processes: readonly string[]): string[] {
  return processes.filter((name) => NETWORK.has(name));
}
