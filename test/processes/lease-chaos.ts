import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { testDirectory } from '../support/directory.js';
import { otherHost } from '../support/lease.js';
import { start, type TestChild } from '../support/processes.js';

const CHAOS = fileURLToPath(new URL('lease-chaos.mjs', import.meta.url));

export interface ChaosReport {
  readonly tokens: number;
  readonly lost: number;
  /** Pairs of holds that were certainly there at the same time. */
  readonly overlaps: readonly string[];
}

/**
 * Processes of two hosts pass one lease of a second around while they are killed, stopped past its end, and let go on.
 */
export async function chaos(lastsMs: number): Promise<ChaosReport> {
  const directory = testDirectory();
  const path = join(directory, 'lock');
  const outputs: TestChild[] = [];
  const launch = (index: number): TestChild => {
    const { command = [] } = index % 2 === 0 ? {} : otherHost(directory);
    const words = [...command, process.execPath, CHAOS, path];
    const env = { ...process.env, XDG_STATE_HOME: join(directory, `state-${index % 2}`) };
    const child = start(String(words[0]), words.slice(1), { env });
    outputs.push(child);
    return child;
  };
  const living = Array.from({ length: 6 }, (_, index) => launch(index));
  for (let passedMs = 0; passedMs < lastsMs;) {
    // Mostly the present holder: the others have less to lose.
    const index = Math.random() < 0.7 ? holderAmong(living) : Math.floor(Math.random() * living.length);
    const victim = living[index] as TestChild;
    const pauseMs = 200 + Math.random() * 600;
    if (Math.random() < 0.4) {
      signalGroup(victim, 'SIGKILL');
      living[index] = launch(index);
    } else {
      signalGroup(victim, 'SIGSTOP');
      // Some end before the lease and some after what others wait for.
      const stopMs = 300 + Math.random() * 5_000;
      await delay(stopMs);
      passedMs += stopMs;
      signalGroup(victim, 'SIGCONT');
    }
    await delay(pauseMs);
    passedMs += pauseMs;
  }
  for (const child of living) signalGroup(child, 'SIGKILL');
  await Promise.all(outputs.map((child) => child.exited));
  return reportOn(outputs.map((child) => child.stdout()).join('\n'));
}

/** The one with the latest word of a hold. */
function holderAmong(parties: readonly TestChild[]): number {
  const latest = parties.map((party) => Number(/.*^held \d+ ([\d.]+)$/ms.exec(party.stdout())?.[1] ?? 0));
  return latest.indexOf(Math.max(...latest));
}

/** With everything that stands between it and us, as in another namespace. */
function signalGroup(child: TestChild, signal: NodeJS.Signals): void {
  process.kill(-child.pid, signal);
}

function reportOn(output: string): ChaosReport {
  const holds = new Map<string, { from: number; to: number }>();
  for (const [, token = '', at = ''] of output.matchAll(/^held (\d+) ([\d.]+)$/gm)) {
    const hold = holds.get(token);
    const time = Number(at);
    if (hold === undefined) holds.set(token, { from: time, to: time });
    else {
      hold.from = Math.min(hold.from, time);
      hold.to = Math.max(hold.to, time);
    }
  }
  // In the order of their tokens: each must have ended before the next began.
  const inOrder = [...holds].toSorted(([a], [b]) => Number(BigInt(a) - BigInt(b)));
  const overlaps = inOrder.flatMap(([token, hold], index) => {
    const next = inOrder[index + 1];
    return next !== undefined && next[1].from <= hold.to ? [`${token} and ${next[0]}`] : [];
  });
  return { tokens: holds.size, lost: [...output.matchAll(/^lost /gm)].length, overlaps };
}
