import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';

import type { Clock } from '../core/time.js';
import { formatDuration } from '../core/duration.js';
import { errnoOf } from '../core/system-error.js';
import { inheritedEnvironment } from '../process/environment.js';
import { execFile, type ExecResult } from '../process/exec.js';
import type { BuildLog } from './build-log.js';
import { installError } from './errors.js';
import type { Reporter } from './events.js';
import { buildSettings, fillIn, type BuildStep, type Recipe } from './recipe.js';
import { VERSION_MARK } from './versions.js';

/** The tail that events carry is kept by the log; this bounds what a chatty step costs in memory. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** What a step has left running in the background may say its last words; its end is not waited for. */
const BACKGROUND_MS = 2_000;

export interface BuildContext {
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly log: BuildLog;
  readonly versionId: string;
}

/**
 * Runs the steps one after the other in the tree at `dir`, where the tree will stay.
 *
 * @throws LockError HOLDFAST_BUILD naming the step that failed and the log; the signal's reason after an abort.
 */
export async function buildTree(recipe: Recipe, dir: string, context: BuildContext): Promise<void> {
  for (const step of recipe.steps) await runStep(recipe, step, dir, context);
}

async function runStep(recipe: Recipe, step: BuildStep, dir: string, context: BuildContext): Promise<void> {
  const { reporter, log, clock, signal } = context;
  const values = { dir, jobs: String(availableParallelism()) };
  const args = (step.arguments ?? []).map((argument) => fillIn(argument, values));
  reporter.stage('build', step.name);
  log.mark();
  log.line(`== ${step.name}: ${[step.command, ...args].join(' ')}`);
  const onLine = (line: string): void => {
    log.line(line);
    reporter.output(line);
  };
  let fact: string | undefined;
  let cause: unknown;
  try {
    const cwd = resolve(dir, fillIn(step.cwd ?? '.', values));
    const result = await execFile(fillIn(step.command, values), args, {
      cwd,
      env: stepEnvironment(recipe, step, { values, cwd, dir }, context),
      timeoutMs: step.timeoutMs ?? Infinity,
      outlivedMs: BACKGROUND_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      onStdoutLine: onLine,
      onStderrLine: onLine,
      clock,
      ...(signal && { signal }),
    });
    fact = failureOf(result, step);
    if (result.isOutlived) reporter.note(`step "${step.name}" left a process running; it is not waited for`);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    fact = `"${step.command}" could not be started (${errno})`;
    cause = error;
  }
  if (fact === undefined) return;
  const tail = log.tail();
  reporter.send({ type: 'step-failed', step: step.name, logPath: log.path, tail });
  throw installError(
    'HOLDFAST_BUILD',
    recipe.name,
    `step "${step.name}" failed: ${fact}`,
    `See the whole output in "${log.path}"`,
    cause ?? new Error(tail.join('\n')),
  );
}

function failureOf(result: ExecResult, step: BuildStep): string | undefined {
  if (result.isTimedOut) return `it did not end within ${formatDuration(step.timeoutMs ?? Infinity)}`;
  if (result.signal !== null) return `it was ended by ${result.signal}`;
  return result.code === 0 ? undefined : `it exited with ${result.code}`;
}

function stepEnvironment(
  recipe: Recipe,
  step: BuildStep,
  { values, cwd, dir }: { values: Readonly<Record<string, string>>; cwd: string; dir: string },
  { env, versionId }: BuildContext,
): NodeJS.ProcessEnv {
  const own = Object.entries(step.env ?? {}).map(([name, value]) => [name, fillIn(value, values)]);
  return {
    ...inheritedEnvironment(env),
    ...buildSettings(recipe, env),
    // CMake believes PWD when it names the directory, so a stale one is only luck.
    PWD: cwd,
    // An archive unpacked below a repository of the user's must not take that one's version.
    GIT_CEILING_DIRECTORIES: dirname(dir),
    // A step that runs git asks for no password: neither on the terminal nor in a window.
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    ...Object.fromEntries(own),
    [VERSION_MARK]: versionId,
  };
}
