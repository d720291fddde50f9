import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { expect } from 'vitest';

import { testDirectory } from '../support/directory.js';

const FIXTURE = fileURLToPath(new URL('./engine-counter.mjs', import.meta.url));

interface Hold {
  readonly from: number;
  readonly to: number;
  readonly token: string;
}

interface Race {
  readonly address: string;
  readonly processes: number;
  readonly rounds: number;
  readonly leaseMs: number;
  /** How many holders are killed while they hold; each is replaced by another process. */
  readonly kills: number;
}

/**
 * Lets processes increment a counter under one lock while holders are killed at random, and judges by the counter, by
 * recorded intervals and by tokens.
 */
export async function raceCounter({ address, processes, rounds, leaseMs, kills }: Race): Promise<void> {
  const counter = join(testDirectory(), 'counter');
  writeFileSync(counter, '0');
  const holds: Hold[] = [];
  let killsLeft = kills;
  let completed = 0;
  let killedAfterWrite = 0;

  async function run(count: number): Promise<void> {
    const args = [FIXTURE, address, counter, String(count), String(leaseMs)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let done = 0;
    let wasIn = false;
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const message = JSON.parse(line) as { type: string } & Hold;
      if (message.type === 'hold') {
        done++;
        wasIn = false;
        holds.push(message);
      } else {
        wasIn = true;
        if (killsLeft > 0 && done > 2 && Math.random() < 0.2) {
          killsLeft--;
          child.kill('SIGKILL');
        }
      }
    });
    const code = await ended(child);
    completed += done;
    if (code === 0) return;
    if (child.signalCode !== 'SIGKILL') throw new Error(`a process ended with ${code}`);
    // It was killed between saying that it is in and saying that it has written: one more may be there.
    if (wasIn) killedAfterWrite++;
    await run(count - done);
  }

  await Promise.all(Array.from({ length: processes }, () => run(rounds)));
  expect(completed).toBe(processes * rounds);
  const value = Number(readFileSync(counter, 'utf8'));
  expect(value).toBeGreaterThanOrEqual(completed);
  expect(value).toBeLessThanOrEqual(completed + killedAfterWrite);
  const inOrder = holds.toSorted((a, b) => a.from - b.from);
  for (const [index, hold] of inOrder.entries()) {
    const next = inOrder[index + 1];
    if (next === undefined) break;
    expect(hold.to, 'a hold began before the one before it had ended').toBeLessThanOrEqual(next.from);
    expect(BigInt(next.token), 'a later hold has a lower token').toBeGreaterThan(BigInt(hold.token));
  }
  expect(killsLeft).toBe(0);
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('close', (code) => resolve(code)));
}
