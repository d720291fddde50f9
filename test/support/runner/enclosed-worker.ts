import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { PoolOptions, PoolRunnerInitializer, PoolWorker, WorkerRequest } from 'vitest/node';

import { machineUnit } from './machine.js';
import { newPlace, type Place } from './scratch.js';
import { networkOf } from './sweep.mjs';

const ENCLOSE = fileURLToPath(new URL('enclose', import.meta.url));

const environment = (): NodeJS.ProcessEnv => ({
  HOLDFAST_TEST_NODE: process.execPath,
  HOLDFAST_TEST_UNIT: machineUnit().toFixed(2),
});

let enclosable: boolean | undefined;

/** Root on Linux, with the right to make namespaces. */
function canEnclose(): boolean {
  enclosable ??=
    spawnSync(ENCLOSE, ['-e', '0'], { stdio: 'ignore', env: { ...process.env, ...environment() } }).status ===
    0;
  return enclosable;
}

/**
 * One test file, with a HOME, a TMPDIR, a network and mounts of its own. It dies with vitest; and when it ends, however
 * that happens, every process that it started is killed.
 */
class EnclosedWorker implements PoolWorker {
  readonly name = 'enclosed';
  readonly cacheFs = true;
  readonly #options: PoolOptions;
  readonly #place: Place = newPlace();
  #child: ChildProcess | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#child !== undefined) return;
    const { distPath, execArgv, project } = this.#options;
    this.#place.removeAfterRun(project.tmpDir);
    const env = { ...this.#options.env, ...environment(), ...this.#place.env };
    for (const name of Object.keys(env)) if (name.startsWith('XDG_')) delete env[name];
    const child = fork(join(distPath, 'workers/forks.js'), [], {
      env,
      execArgv,
      ...(canEnclose() && { execPath: ENCLOSE }),
      stdio: 'pipe',
      serialization: 'advanced',
    });
    this.#child = child;
    child.stdout?.pipe(project.vitest.logger.outputStream as NodeJS.WritableStream, { end: false });
    child.stderr?.pipe(project.vitest.logger.errorStream as NodeJS.WritableStream, { end: false });
    if (!canEnclose() || child.pid === undefined) return;
    const outside = networkOf(process.pid);
    while (child.exitCode === null && networkOf(child.pid) === outside) await delay(2);
    this.#place.adopt(child.pid);
  }

  /** By now the worker has run its hooks. */
  async stop(): Promise<void> {
    const child = this.#fork;
    const isGone = new Promise((resolve) => {
      if (child.exitCode === null && child.signalCode === null) child.once('exit', resolve);
      else resolve(undefined);
    });
    child.kill('SIGKILL');
    await isGone;
    const left = this.#place.clear(child.pid as number);
    if (left.length > 0) console.error(`left running: ${left.join(', ')}`);
    this.#child = undefined;
  }

  on(event: string, callback: (arg: unknown) => void): void {
    this.#fork.on(event, callback);
  }

  off(event: string, callback: (arg: unknown) => void): void {
    this.#fork.off(event, callback);
  }

  send(message: WorkerRequest): void {
    this.#fork.send(message);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  get #fork(): ChildProcess {
    if (this.#child === undefined) throw new Error('the worker is not running');
    return this.#child;
  }
}

export const enclosed: PoolRunnerInitializer = {
  name: 'enclosed',
  createPoolWorker: (options) => new EnclosedWorker(options),
};
