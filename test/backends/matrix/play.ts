import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

import { acquire } from '../../../src/locks/acquire.js';
import { startCli, type StartedCli } from '../../support/cli.js';
import { testDirectory } from '../../support/directory.js';
import { until } from '../../support/ports.js';
import { LEASE_MS, WAIT_MS, type Outcomes, type Playable } from './situation.js';

const LEASE = { leaseDurationMs: LEASE_MS, timeoutMs: 2 * WAIT_MS } as const;

/** The roles take their places, something happens to the server, and each role is seen off. */
export async function play(
  situation: Playable,
  server: Awaited<ReturnType<Playable['start']>>,
): Promise<Outcomes & { readonly isHeld: boolean }> {
  const at = (name: string): string => `${server.url}#${name}`;
  const directory = testDirectory();
  const cli = (...args: string[]): StartedCli => {
    const started = startCli(directory, args);
    said.set(started.process, '');
    const read = (chunk: Buffer | string): void =>
      void said.set(started.process, `${said.get(started.process)}${chunk.toString()}`);
    started.process.stdout?.on('data', read);
    started.process.stderr?.on('data', read);
    return started;
  };
  const run = (lock: string, ...flags: string[]): StartedCli => {
    const command = ['sh', '-c', 'echo up; exec sleep 600'];
    return cli('run', '--lease', `${LEASE_MS}ms`, '--grace', '1s', ...flags, at(lock), '--', ...command);
  };
  const [ahead, leader] = await Promise.all([acquire(at('queue'), LEASE), acquire(at('lead'), LEASE)]);
  const [holder, permit] = [run('holder'), run('permits', '--permits', '2')];
  await Promise.all([says(holder, 'up'), says(permit, 'up')]);
  const holderId = await idOf(directory, at('holder'));
  const waiter = cli('run', '-w', `${WAIT_MS}ms`, '--lease', `${LEASE_MS}ms`, at('queue'), '--', 'true');
  const spare = run('lead', '--stand-by');
  await Promise.all([says(waiter, 'waiting'), says(spare, 'waiting')]);

  await server.happen();
  // As long as a hold lasts at the server, and a little more.
  await delay(LEASE_MS * 1.2);
  const isHeld = holder.process.exitCode === null;
  const breaker = await cli('break', '--force', at('holder'), '--holder', holderId).ended;
  await Promise.all([ahead, leader].map((guard) => guard.release().catch(() => undefined)));
  const isLeading = situation.outcomes.spare !== 'standing by';
  if (isLeading) await Promise.race([says(spare, 'up'), spare.ended]);
  const { code: waited } = await waiter.ended;
  if (isHeld && breaker.code === 0) await holder.ended;
  for (const one of [holder, permit, spare]) one.process.kill('SIGTERM');
  const [held, permitted, spared] = await Promise.all([holder.ended, permit.ended, spare.ended]);
  const hasLed = spared.stdout.includes('up');
  return {
    isHeld,
    holder: held.code ?? -1,
    permit: permitted.code ?? -1,
    waiter: waited ?? -1,
    spare: !hasLed && (spared.code === 143 || spared.code === null) ? 'standing by' : (spared.code ?? -1),
    breaker: breaker.code ?? -1,
  };
}

/** Everything that a command has printed, on both streams. */
const said = new WeakMap<ChildProcess, string>();

function says({ process }: StartedCli, word: string): Promise<void> {
  return until(
    `a command says "${word}"`,
    () => said.get(process)?.includes(word) === true || process.exitCode !== null,
  );
}

async function idOf(directory: string, address: string): Promise<string> {
  const { stdout } = await startCli(directory, ['show', '--json', address]).ended;
  return /"holderId": ?"([a-z2-7]{26})"/.exec(stdout)?.[1] ?? 'none';
}
