import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MARK, networkOf, sweep } from './sweep.mjs';

const SWEEP = fileURLToPath(new URL('sweep.mjs', import.meta.url));

/** One directory for the run, and the process that cleans up behind it. */
class Scratch {
  readonly directory = mkdtempSync(join(realpathSync(tmpdir()), 'hf-'));
  readonly #sweeper: ChildProcess;
  #places = 0;

  constructor() {
    // Some servers run as another user.
    chmodSync(this.directory, 0o755);
    this.#sweeper = spawn(process.execPath, [SWEEP, this.directory], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#sweeper.stdin?.on('error', () => undefined);
    this.#sweeper.unref();
    (this.#sweeper.stdin as unknown as { unref(): void }).unref();
  }

  place(): Place {
    return new Place(join(this.directory, String(++this.#places)), (line) =>
      this.#sweeper.stdin?.write(`${line}\n`),
    );
  }
}

/** A HOME and a TMPDIR for one test file: neither two runs nor two files of a run share state or names. */
export class Place {
  readonly env: NodeJS.ProcessEnv;
  readonly #directory: string;
  readonly #report: (line: string) => void;
  #network: string | undefined;

  constructor(directory: string, report: (line: string) => void) {
    this.#directory = directory;
    this.#report = report;
    const [home, temporary] = [join(directory, 'home'), join(directory, 't')];
    mkdirSync(home, { recursive: true });
    mkdirSync(temporary);
    chmodSync(temporary, 0o1777);
    this.env = { HOME: home, TMPDIR: temporary, [MARK]: `${directory}/` };
  }

  /** The worker's network namespace belongs to the place from now on. */
  adopt(pid: number): void {
    this.#network = networkOf(pid);
    this.#report(`+ ${pid}`);
  }

  /** Vitest's own directory, which it leaves behind when it is killed. */
  removeAfterRun(directory: string): void {
    this.#report(`d ${directory}`);
  }

  /** Kills what the worker left behind and removes the directory. Returns the names of those processes. */
  clear(pid: number): string[] {
    const left = sweep(this.#directory, this.#network === undefined ? [] : [this.#network]);
    this.#report(`- ${pid}`);
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
    return left;
  }
}

// Vitest loads its configuration once for each project.
const shared = globalThis as { holdfastScratch?: Scratch };
const scratch = (shared.holdfastScratch ??= new Scratch());

export const newPlace = (): Place => scratch.place();
