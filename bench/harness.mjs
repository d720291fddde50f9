// Interleaved rounds, medians and ratios. A suite is a file bench/NAME.mjs that exports `suite`:
//
//   export const suite = {
//     title: 'Durable files',
//     experiments: [{
//       id: 'replace',                                   // unique in the suite
//       fileSystems: ['ext4', 'tmpfs'],                  // one run on each; default ['ext4']
//       rounds: 9,                                       // default 9, never below 7 (1 in the smoke bench)
//       isInSmoke: true,                                 // default false
//       measures: [{                                     // each becomes a row of the table
//         id: 'time', title: 'replace of 100 KB', unit: 'us', isChart: true,
//         subject: 'holdfast',
//         target: { to: 'C', ratioAtMost: 1.25 },        // or ratioAtLeast (how many times better), atMost, atLeast;
//                                                        // or a function of the file system that gives one
//       }],
//       async contestants({ directory, isSmoke }) {      // names to one round each, which resolves to a number
//         return { holdfast: () => 12.3, C: () => 11 };  // or to an object with a number for each measure's id
//       },
//       async dispose() {},
//     }],
//   };
//
// Rounds are interleaved, contestant by contestant, so that a busy machine is busy for all. Ratios are medians of the
// ratios of single rounds, not ratios of medians, for the same reason.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TMPFS_MAGIC = 0x01021994;
const LEAST_ROUNDS = 7;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Runs one experiment on one file system: the rows of its measures. */
async function runExperiment(experiment, fileSystem, { isSmoke, log }) {
  const directory = mkdtempSync(join(placeOn(fileSystem), 'holdfast-bench-'));
  const rounds = isSmoke ? 3 : Math.max(LEAST_ROUNDS, experiment.rounds ?? 9);
  try {
    const contestants = Object.entries(await experiment.contestants({ directory, isSmoke }));
    const samples = new Map(contestants.map(([name]) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      // Each round begins with another one: who runs after whom matters on a machine with caches.
      for (let turn = 0; turn < contestants.length; turn++) {
        const [name, run] = contestants[(round + turn) % contestants.length];
        log(`${experiment.id} ${fileSystem} round ${round + 1}/${rounds}: ${name}`);
        samples.get(name).push(await run());
      }
    }
    return experiment.measures.map((measure) => rowOf(experiment, measure, fileSystem, rounds, samples));
  } finally {
    await experiment.dispose?.();
    rmSync(directory, { recursive: true, force: true });
  }
}

function rowOf(experiment, measure, fileSystem, rounds, samples) {
  const valuesOf = (name) =>
    samples.get(name).map((sample) => (typeof sample === 'number' ? sample : sample[measure.id]));
  const ours = valuesOf(measure.subject);
  const contestants = [...samples.keys()].flatMap((name) => {
    const values = valuesOf(name);
    if (values.some((value) => value === undefined)) return [];
    return {
      name,
      median: median(values),
      least: Math.min(...values),
      most: Math.max(...values),
      // How many times the contestant's value ours is.
      ratio: median(ours.map((value, round) => value / values[round])),
    };
  });
  const row = {
    id: `${experiment.id}.${measure.id}.${fileSystem}`,
    title: measure.title,
    unit: measure.unit,
    fileSystem: (experiment.fileSystems?.length ?? 0) > 1 ? fileSystem : undefined,
    rounds,
    subject: measure.subject,
    contestants,
    target: typeof measure.target === 'function' ? measure.target(fileSystem) : measure.target,
    note: measure.note,
    isChart: measure.isChart ?? false,
    growth: measure.growth,
  };
  return { ...row, ...judged(row) };
}

/** `excess` 1 is right at the target, 1.25 a quarter worse, below 1 better. */
function judged({ target, subject, contestants }) {
  if (target === undefined) return {};
  const of = (name) => contestants.find((contestant) => contestant.name === name);
  if (target.ratioAtMost !== undefined) {
    const value = of(target.to).ratio;
    return { judged: value, excess: value / target.ratioAtMost };
  }
  if (target.ratioAtLeast !== undefined) {
    const value = 1 / of(target.to).ratio;
    return { judged: value, excess: target.ratioAtLeast / value };
  }
  const value = of(subject).median;
  if (target.atMost !== undefined) return { judged: value, excess: value / target.atMost };
  return { judged: value, excess: target.atLeast / value };
}

/** @returns the rows of all experiments of a suite (with `isSmoke`, of those that are in the smoke bench). */
export async function runSuite(suite, { isSmoke = false, only, log = () => {} } = {}) {
  const rows = [];
  for (const experiment of suite.experiments) {
    if (isSmoke && experiment.isInSmoke !== true) continue;
    if (only !== undefined && !experiment.id.includes(only)) continue;
    const fileSystems = isSmoke ? ['tmpfs'] : (experiment.fileSystems ?? ['ext4']);
    for (const fileSystem of fileSystems) {
      rows.push(...(await runExperiment(experiment, fileSystem, { isSmoke, log })));
    }
  }
  return rows;
}

/** A directory on a memory file system, or on one that is none (HOLDFAST_BENCH_DISK overrides where). */
export function placeOn(fileSystem) {
  if (fileSystem === 'tmpfs') return '/dev/shm';
  const disk = process.env.HOLDFAST_BENCH_DISK;
  if (disk !== undefined) return disk;
  if (statfsSync(tmpdir()).type !== TMPFS_MAGIC) return tmpdir();
  const inTree = fileURLToPath(new URL('./.work', import.meta.url));
  mkdirSync(inTree, { recursive: true });
  return inTree;
}

/** Compiles bench/c/NAME.c (or any path) and returns the program's path. Limits are what C does with the same calls. */
export function compileC(name, directory, flags = []) {
  const source = name.includes('/') ? name : fileURLToPath(new URL(`./c/${name}.c`, import.meta.url));
  const program = join(directory, `c-${name.replaceAll('/', '-')}`);
  const { status, stderr } = spawnSync(
    process.env.CC ?? 'cc',
    ['-O2', '-D_GNU_SOURCE', '-Wall', '-o', program, source, ...flags],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`Could not compile "${source}": ${stderr}`);
  return program;
}

/**
 * Runs a program and returns what it printed: one number, or one JSON object. A process of its own for every round keeps
 * contestants out of each other's heap and optimised code; each warms up before it measures.
 */
export async function printed(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}.`);
  return JSON.parse(text.trim());
}

/** A round that runs bench/NAME with this Node and takes the number it prints. */
export function nodeRound(name, ...args) {
  const file = fileURLToPath(new URL(name, import.meta.url));
  return () => printed(process.execPath, [file, ...args.map(String)]);
}
