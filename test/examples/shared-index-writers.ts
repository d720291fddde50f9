import { setTimeout as delay } from 'node:timers/promises';

import { expect } from 'vitest';

import { otherHost } from '../support/hosts.js';
import {
  type Commit,
  commitsOf,
  type Engine,
  finished,
  headOf,
  idsOf,
  setting,
  sharedIndex,
  startIndexer,
  writeSource,
} from './shared-index.js';

export interface Storm {
  readonly engine: Engine;
  readonly kills: number;
  /** Of each of the four writers. */
  readonly documents: number;
}

/** Four writers on two hosts fill one index. One after the other is killed at a random moment, and started again. */
export async function killWriters({
  engine,
  kills,
  documents,
}: Storm): Promise<{ commits: readonly Commit[]; interrupted: number }> {
  const { directory, index, here } = setting();
  const there = await otherHost(directory);
  const names = ['a', 'b', 'c', 'd'];
  const acknowledged: number[] = [];
  const failures: string[] = [];
  let interrupted = 0;
  let isStorm = true;

  const write = async (name: string, host: typeof here): Promise<void> => {
    const source = writeSource(directory, name, documents);
    for (;;) {
      const args = [
        'add',
        index,
        source,
        '--engine',
        engine,
        '--batch',
        '8',
        '--pace',
        '4ms',
        '--lease',
        '1s',
      ];
      const writer = startIndexer(host, ...args);
      running.set(name, writer);
      const { code, stdout, stderr } = await finished(writer);
      for (const [, number] of stdout.matchAll(/^commit (\d+): .*\n/gm)) acknowledged.push(Number(number));
      if (code === 0) return;
      interrupted++;
      // Killed (nsenter passes it on as 137), and nothing else.
      if (!isStorm || code === 1) failures.push(`${name} ended with ${code}: ${stderr}`);
      if (failures.length > 0) return;
    }
  };
  const running = new Map<string, ReturnType<typeof startIndexer>>();
  const writers = names.map((name, at) => write(name, at < 2 ? here : there));

  for (let kill = 0; kill < kills; kill++) {
    await delay(200 + Math.random() * 600);
    await running.get(String(names[Math.floor(Math.random() * names.length)]))?.signal('SIGKILL');
  }
  // The signals have arrived by now; what ends from here on with anything but 0 was not killed.
  await delay(100);
  isStorm = false;
  await Promise.all(writers);
  expect(failures).toEqual([]);

  const commits = commitsOf(index);
  expect(new Set(acknowledged).size, 'no commit was acknowledged to two writers').toBe(acknowledged.length);
  for (const number of acknowledged) expect(commits.map((commit) => commit.number)).toContain(number);
  commits.forEach(({ number, token }, at) => {
    expect(number).toBe(at);
    // Commit 0 is the empty index, made by the hold of commit 1.
    if (at > 1)
      expect(token, 'one batch for each hold, so they rise').toBeGreaterThan(commits[at - 1]?.token ?? 0n);
  });
  expect(headOf(index).epoch).toBeGreaterThanOrEqual(commits.at(-1)?.token ?? 0n);

  const found = await sharedIndex(here, 'search', index, 'fish');
  const expected = names.flatMap((name) => idsOf(name, documents));
  expect(found.stdout.trim().split('\n').toSorted()).toEqual(expected.toSorted());
  const { code, stdout } = await sharedIndex(here, 'check', index);
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${expected.length} documents, each once`),
  });
  return { commits, interrupted };
}
