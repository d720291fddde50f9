import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

import { inspect } from '../../dist/index.js';
import { hangMs } from '../support/time.js';
import type { RunnableBlock } from './blocks.js';

export interface Stepped {
  readonly code: number | null;
  /** Standard output and standard error, in the order in which a terminal shows them. */
  readonly output: string;
}

/**
 * A folder and its terminals. Blocks with `file=NAME` are saved in it; `background` ones are left running, until the
 * lock that `holds=` names is held and the one that `waits=` names is waited for; other ones are run to their end.
 */
export class Reader {
  readonly #directory: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #background: ChildProcess[] = [];

  constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.#directory = directory;
    this.#env = env;
    onTestFinished(() => this.#stop());
  }

  async follow(block: RunnableBlock): Promise<Stepped> {
    if (/\bafter=ctrl-c\b/.test(block.info)) await this.#stop();
    const file = /file=(\S+)/.exec(block.info)?.[1];
    if (file !== undefined) {
      writeFileSync(join(this.#directory, file), block.code);
      return { code: 0, output: '' };
    }
    // A reader needs the time to go to the other terminal.
    const child = this.#shell(block.code.replace('sleep 20', 'sleep 2'));
    if (/\bbackground\b/.test(block.info)) {
      this.#background.push(child);
      await this.#untilSeen(block.info);
      return { code: 0, output: '' };
    }
    return ended(child);
  }

  #shell(code: string): ChildProcess {
    const shell = ['-euo', 'pipefail', '-c', `exec 2>&1\n${code}`];
    return spawn('bash', shell, {
      cwd: this.#directory,
      env: this.#env,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  async #untilSeen(info: string): Promise<void> {
    const [held, waited] = [/holds=(\S+)/.exec(info)?.[1], /waits=(\S+)/.exec(info)?.[1]];
    const look = async (lock: string) => inspect(join(this.#directory, lock));
    await vi.waitFor(
      async () => {
        if (held !== undefined && !(await look(held)).isHeld) throw new Error(`${held} is not held.`);
        if (waited !== undefined && (await look(waited)).waiters.length === 0)
          throw new Error(`Nobody waits for ${waited}.`);
      },
      { timeout: hangMs, interval: 20 },
    );
  }

  /** Ctrl-C in all terminals. What one of them lets go may end another by itself. */
  async #stop(): Promise<void> {
    const running = this.#background.splice(0).filter(isRunning);
    const ends = running.map((child) => once(child, 'exit'));
    for (const child of running) {
      try {
        process.kill(-(child.pid as number), 'SIGINT');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await Promise.all(ends);
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

async function ended(child: ChildProcess): Promise<Stepped> {
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), hangMs);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, output };
}

/** What differs from run to run: numbers, times, this host's name, holder ids. */
export function masked(output: string): string {
  return output
    .replaceAll(/\b[a-z2-7]{26}\b/g, 'ID')
    .replaceAll(/(on|host {14}) ?\S+$/gm, '$1 HOST')
    .replaceAll(/ on \S+ since/g, ' on HOST since')
    .replaceAll(/\d+(\.\d+)?/g, 'N')
    .replaceAll(/ +/g, ' ');
}
