import { type SpawnOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { eventually, start, type TestChild } from './processes.js';

/** The command as it is shipped. */
export const HOLDFAST = fileURLToPath(new URL('../../dist/bin/holdfast.cjs', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

export interface RunningHoldfast {
  readonly child: TestChild;
  readonly pid: number;
  stderr(): string;
  readonly outcome: Promise<Outcome>;
}

/** Without what the surroundings of the tests may have set. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...extra };
  for (const name of ['CI', 'NO_COLOR', 'FORCE_COLOR', 'HOLDFAST_LOCK_TIMEOUT', 'HOLDFAST_ANCESTORS']) {
    if (!(name in extra)) delete env[name];
  }
  return env;
}

/** Starts `holdfast ARGS` in `cwd`. Standard input is empty unless `options` say otherwise. */
export function startHoldfast(
  cwd: string,
  args: readonly string[],
  options: SpawnOptions = {},
): RunningHoldfast {
  return observed(start(process.execPath, [HOLDFAST, ...args], optionsIn(cwd, options)));
}

/** The same through a shell script, where `$H` is the command. */
export function startScript(cwd: string, script: string, options: SpawnOptions = {}): RunningHoldfast {
  const env = cleanEnvironment({ ...options.env, H: `${process.execPath} ${HOLDFAST}` });
  return observed(start('bash', ['-c', script], optionsIn(cwd, { ...options, env })));
}

export function holdfast(cwd: string, args: readonly string[], options: SpawnOptions = {}): Promise<Outcome> {
  return startHoldfast(cwd, args, options).outcome;
}

export function script(cwd: string, text: string, options: SpawnOptions = {}): Promise<Outcome> {
  return startScript(cwd, text, options).outcome;
}

/** What a command printed with `--json`: the data in its envelope. */
export function dataOf<T>(stdout: string): T {
  return (JSON.parse(stdout) as { data: T }).data;
}

/** Runs a command under `lock` until it is told to end; resolves once it holds. */
export async function startHolder(
  cwd: string,
  args: readonly string[],
): Promise<RunningHoldfast & { end(): Promise<Outcome> }> {
  const running = startHoldfast(cwd, ['run', ...args, 'sh', '-c', 'echo inside; read line'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await running.child.line(/^inside$/);
  const end = (): Promise<Outcome> => {
    running.child.process.stdin?.end('\n');
    return running.outcome;
  };
  return { ...running, end };
}

/** Resolves once `text` stands on its stderr. */
export function says(running: RunningHoldfast, text: string | RegExp): Promise<true> {
  return eventually(`stderr says ${text}`, () => {
    const found = running.stderr();
    return typeof text === 'string' ? found.includes(text) || undefined : text.test(found) || undefined;
  }) as Promise<true>;
}

function optionsIn(cwd: string, options: SpawnOptions): SpawnOptions {
  return { stdio: ['ignore', 'pipe', 'pipe'], ...options, cwd, env: cleanEnvironment(options.env) };
}

function observed(child: TestChild): RunningHoldfast {
  const startedAt = performance.now();
  let stderr = '';
  child.process.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const outcome = child.exited.then((end) => ({ ...end, stderr, tookMs: performance.now() - startedAt }));
  return { child, pid: child.pid, stderr: () => stderr, outcome };
}
