import { spawn, type ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

import { whenFinished } from './finish.js';
import { GIT_ENV } from './git-remotes.js';

export const CLI = fileURLToPath(new URL('../../dist/bin/holdfast.cjs', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** Runs the command under another one: `faketime`, `strace`. */
  readonly prefix?: readonly string[];
}

export interface StartedCli {
  readonly process: ChildProcess;
  readonly ended: Promise<CliResult>;
}

/** Starts `holdfast` in a clone, as the agent that has the clone's name. */
export function startCli(cwd: string, args: readonly string[], options: CliOptions = {}): StartedCli {
  const [file = '', ...rest] = [...(options.prefix ?? []), process.execPath, CLI, ...args];
  const child = spawn(file, rest, {
    cwd,
    env: { ...GIT_ENV, HOLDFAST_AGENT: basename(cwd), ...options.env },
    stdio: 'pipe',
  });
  whenFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { process: child, ended };
}

export function cli(cwd: string, args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(cwd, args, options).ended;
}

/** The JSON that a command printed. */
export async function cliJson<T>(cwd: string, args: readonly string[], options: CliOptions = {}): Promise<T> {
  const { stdout, stderr } = await cli(cwd, [...args, '--json'], options);
  if (stdout === '') throw new Error(`no JSON: ${stderr}`);
  return (JSON.parse(stdout) as { data: T }).data;
}

/** The kinds of events in a claim's history, the first one first. */
export async function eventsOf(clone: string, id: string): Promise<string[]> {
  const { events } = await cliJson<{ events: { event: string }[] }>(clone, ['claims', 'history', id]);
  return events.map(({ event }) => event).reverse();
}
