import type { HoldInterval } from '../../../src/testing/intervals.js';
import { readRace, RACER, type RaceResult, type RacerOrder } from '../race.js';
import type { GuestProgram, Machine } from './machine.js';

const ROUND_TRIPS = 15;

/** What must be added to a machine's boot clock for the host's, and how far off that may be. */
export interface Offset {
  readonly ms: number;
  readonly errorMs: number;
}

/** A question and its answer bound the offset from both sides; the quickest of some decide. */
export async function measureOffset(machine: Machine): Promise<Offset> {
  const clock = new URL('../../../dist/platform/lease-clock.js', import.meta.url).href;
  const script = `import { leaseClock } from '${clock}';
    process.stdin.on('data', (n) => console.log(String(n).trim(), leaseClock.now()));
    console.log('ready');`;
  const program = machine.start(`exec '${process.execPath}' --input-type=module -e "${script}"`);
  await program.line(/^ready$/, 60_000);
  let [low, high] = [-Infinity, Infinity];
  for (let n = 0; n < ROUND_TRIPS; n++) {
    const askedAt = performance.now();
    program.write(`q${n}\n`);
    const { match, at } = await program.line(new RegExp(`^q${n} ([\\d.]+)$`));
    const guest = Number(match[1]);
    low = Math.max(low, askedAt - guest);
    high = Math.min(high, at - guest);
  }
  program.kill('SIGKILL');
  return { ms: (low + high) / 2, errorMs: (high - low) / 2 };
}

export interface RunningRace {
  /** Every hold on the host's clock, cut at both ends by what that clock may be off: what overlaps now did overlap. */
  readonly result: Promise<RaceResult & { readonly errorMs: number }>;
  /** Holds so far. */
  count(): number;
}

/** Lets `perMachine` processes of each machine take the lock at `address` again and again. */
export async function startRace(
  machines: readonly Machine[],
  perMachine: number,
  address: string,
  order: RacerOrder,
): Promise<RunningRace> {
  const before = await Promise.all(machines.map(measureOffset));
  const programs = machines.map((machine) =>
    Array.from({ length: perMachine }, (_, index) => {
      const json = JSON.stringify({ name: `${machine.name}${index}`, ...order });
      return machine.start(`exec '${process.execPath}' '${RACER}' '${address}' '${json}'`);
    }),
  );
  await Promise.all(programs.flat().map((program) => program.line(/"ready"/, 60_000)));
  const withinMs = (order.forMs ?? 0) + 60_000;
  return { result: finish(machines, programs, before, withinMs), count: () => countOf(programs.flat()) };
}

function countOf(programs: readonly GuestProgram[]): number {
  return readRace(programs.map((program) => program.stdout())).holds.length;
}

async function finish(
  machines: readonly Machine[],
  programs: readonly (readonly GuestProgram[])[],
  before: readonly Offset[],
  withinMs: number,
): Promise<RaceResult & { readonly errorMs: number }> {
  await Promise.all(programs.flat().map((program) => program.line(/"done"/, withinMs)));
  const after = await Promise.all(machines.map(measureOffset));
  const holds: HoldInterval[] = [];
  const failures: string[] = [];
  let worst = 0;
  for (const [index, own] of programs.entries()) {
    const [first, last] = [before[index], after[index]] as [Offset, Offset];
    const ms = (first.ms + last.ms) / 2;
    const errorMs = Math.max(first.errorMs, last.errorMs) + Math.abs(first.ms - last.ms) / 2;
    worst = Math.max(worst, errorMs);
    const race = readRace(own.map((program) => program.stdout()));
    failures.push(...race.failures, ...own.map((program) => program.stderr()).filter((text) => text !== ''));
    for (const hold of race.holds) {
      const [from, to] = [hold.from + ms + errorMs, hold.to + ms - errorMs];
      if (from < to) holds.push({ ...hold, from, to });
    }
  }
  return { holds, failures, errorMs: worst };
}
