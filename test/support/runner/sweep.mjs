import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Names the place of a worker, and with it the run, in the environment of all that it starts. */
export const MARK = 'HOLDFAST_TEST_PLACE';

const hasProc = process.platform === 'linux';

/** The network namespace of a process; undefined when the process is gone. */
export function networkOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Finds also what made a network namespace of its own, unless it changed its environment. */
function isMarked(pid, place) {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return environment.some((entry) => entry.startsWith(`${MARK}=${place}/`));
  } catch {
    return false;
  }
}

/** Kills every process of `networks` or marked with `place`, and those that appear meanwhile. Returns their names. */
export function sweep(place, networks) {
  const names = new Map();
  for (let round = 0, found = hasProc; found && round < 100; round++) {
    found = false;
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid || names.has(pid)) continue;
      if (!networks.includes(networkOf(pid)) && !isMarked(pid, place)) continue;
      found = true;
      names.set(pid, nameOf(pid));
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  }
  return [...names.values()];
}

function nameOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

/**
 * `node sweep.mjs DIRECTORY`, in a session of its own: reads `+ PID` and `- PID` of workers and `d DIRECTORY` until
 * its input closes, which happens however vitest ends. Then it kills what is left of the run and removes directories.
 */
async function afterRun(directory) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
  const networks = new Map();
  const directories = new Set([directory]);
  for await (const line of createInterface({ input: process.stdin })) {
    const [sign, pid] = line.split(' ');
    if (sign === 'd') directories.add(line.slice(2));
    const network = networks.get(pid) ?? (sign === '+' ? keepNetwork(pid) : undefined);
    if (network === undefined) continue;
    if (sign === '+') {
      networks.set(pid, network);
      continue;
    }
    closeSync(network.descriptor);
    networks.delete(pid);
  }
  sweep(
    directory,
    [...networks.values()].map(({ name }) => name),
  );
  for (const each of directories)
    rmSync(each, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

/** While the descriptor is open, the kernel gives the namespace's number to no other one. */
function keepNetwork(pid) {
  const name = networkOf(pid);
  if (name === undefined || name === networkOf(process.pid)) return undefined;
  try {
    return { name, descriptor: openSync(`/proc/${pid}/ns/net`, 'r') };
  } catch {
    return undefined;
  }
}

if (process.argv[1] === import.meta.filename) await afterRun(process.argv[2]);
