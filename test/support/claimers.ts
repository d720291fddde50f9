import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { whenFinished } from './finish.js';
import { GIT_ENV } from './git-remotes.js';

export interface ClaimAnswer {
  readonly outcome: string;
  readonly winner?: string;
  readonly cause?: string;
}

export interface Claimer {
  claim(id: string): Promise<ClaimAnswer>;
}

const FIXTURE = fileURLToPath(new URL('../fixtures/claimer.mjs', import.meta.url));

/** A process of its own in that clone; it lives until the test ends. */
export function startClaimer(clone: string, env: NodeJS.ProcessEnv = {}): Claimer {
  const child = spawn(process.execPath, [FIXTURE], {
    cwd: clone,
    env: { ...GIT_ENV, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  whenFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  return {
    async claim(id) {
      const answer = once(lines, 'line') as Promise<[string]>;
      child.stdin.write(`${id}\n`);
      return JSON.parse((await answer)[0]) as ClaimAnswer;
    },
  };
}
