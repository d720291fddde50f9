// The experiments of the growth suite that are about locks and updates.
import { bySize, figures, measuresOf } from './by-size.mjs';
import { compileC, nodeRound, printed } from './harness.mjs';

const CALLERS = [1_000, 10_000, 100_000];
const WAITERS = [10, 100];
const WAITING_MS = 20_000;
const NEW_LOCKS = [100, 1_000, 10_000];
const KILOBYTES = [1, 100, 1_000];
/** Of a value of `n` kilobytes in `bench/rounds/update.mjs`, about. */
const bytesOf = (kilobytes) => 1_024 * kilobytes;

export const update = {
  id: 'update',
  rounds: 7,
  measures: measuresOf(
    KILOBYTES,
    { title: 'JsonFile.update, by size of the file', unit: 'us', x: 'kilobytes' },
    (size) => ({
      title: `JsonFile.update of ${figures(size)} KB`,
      unit: 'us',
      ...(size === 1 && { target: { to: 'C', ratioAtMost: 1.4 } }),
      ...(size === 1_000 && { target: { to: 'parse, stringify and the same calls', ratioAtMost: 1.3 } }),
      ...(size === 1 && {
        note: 'C locks, reads, writes, syncs, renames, syncs the directory and unlocks, and knows nothing of JSON; "parse, stringify and the same calls" blocks its thread and keeps no other process out; write-file-atomic neither reads nor locks, and does not sync the directory.',
      }),
    }),
  ),
  contestants({ directory }) {
    const updates = (kilobytes) => (kilobytes === 1_000 ? 20 : 200);
    const program = compileC('update', directory);
    const inNode = (who) =>
      bySize(KILOBYTES, (size) => nodeRound('rounds/update.mjs', who, directory, size, updates(size)));
    return {
      holdfast: inNode('holdfast'),
      C: bySize(
        KILOBYTES,
        (size) => () => printed(program, [directory, String(bytesOf(size)), String(updates(size))]),
      ),
      'parse, stringify and the same calls': inNode('parse, stringify and the same calls'),
      'write-file-atomic': inNode('write-file-atomic'),
      'better-sqlite3, WAL': inNode('better-sqlite3, WAL'),
    };
  },
};

export const callers = {
  id: 'callers',
  rounds: 7,
  fileSystems: ['tmpfs'],
  measures: measuresOf(
    CALLERS,
    { title: 'callers of one lock in one process, each', unit: 'us', x: 'callers' },
    (size) => ({
      title: `${figures(size)} callers of one lock in one process, each`,
      unit: 'us',
      ...(size > 1_000 && { target: { atMost: 4 } }),
      ...(size === 1_000 && {
        note: 'the lock is passed on inside the process, at most 64 times and for 1 ms; then it is freed, and other processes have their turn. Nearly half of the time goes to collecting what so many calls keep, a fifth to the stat and the record of each hold, a tenth to the stat with which withLock makes sure that the hold was not lost. async-mutex, p-limit and memory: exclude no other process.',
      }),
    }),
  ),
  contestants({ directory }) {
    const inNode = (who) => bySize(CALLERS, (size) => nodeRound('rounds/callers.mjs', who, directory, size));
    const peers = ['holdfast, no record', 'holdfast memory:', 'async-mutex', 'p-limit'];
    return {
      holdfast: inNode('holdfast'),
      ...Object.fromEntries(peers.map((who) => [who, inNode(who)])),
    };
  },
};

const crowdOf = (kind, directory, size) =>
  nodeRound('contestants/crowd.mjs', kind, `${directory}/crowd-${size}.lock`, size, WAITING_MS);

export const crowd = {
  id: 'crowd',
  rounds: 7,
  fileSystems: ['tmpfs'],
  measures: measuresOf(
    WAITERS,
    { title: 'processor time of a waiting process, per second', unit: 'ms', x: 'processes that wait' },
    (size) => ({
      title: `processor time per second of each of ${size} processes that wait for one lock`,
      unit: 'ms',
      target: { atMost: 0.3 },
      ...(size === WAITERS[0] && {
        note: `with progress to show each second and an eye on deadlocks, over ${WAITING_MS / 1e3} s, ten seconds after they began. "one timer" are as many processes of Node's that wait for nothing and wake once a second.`,
      }),
    }),
  ),
  contestants: ({ directory }) => ({
    holdfast: bySize(WAITERS, (size) => crowdOf('holdfast', directory, size)),
    'one timer': bySize(WAITERS, (size) => crowdOf('one timer', directory, size)),
  }),
};

export const newLocks = {
  id: 'new-locks',
  rounds: 7,
  fileSystems: ['ext4', 'tmpfs'],
  measures: measuresOf(
    NEW_LOCKS,
    { title: 'new locks of one process, each', unit: 'us', x: 'locks' },
    (size) => ({
      title: `${figures(size)} new locks of one process, each`,
      unit: 'us',
      ...(size === NEW_LOCKS.at(-1) && { target: { to: 'create and write', ratioAtMost: 1.2 } }),
      ...(size === NEW_LOCKS[0] && {
        note: '"create and write" makes a file and writes as many bytes as a record has, with node:fs, and keeps it open; it locks nothing.',
      }),
    }),
  ),
  contestants({ directory }) {
    const inNode = (what) =>
      bySize(NEW_LOCKS, (size) => nodeRound('rounds/many-locks.mjs', what, directory, size));
    return { holdfast: inNode('take'), 'create and write': inNode('create') };
  },
};

export const lease = {
  id: 'lease',
  rounds: 7,
  measures: [
    {
      id: 'time',
      title: 'take a free lease',
      unit: 'us',
      subject: 'holdfast',
      target: { to: 'C', ratioAtMost: 1.3 },
      note: 'C makes the same renames, syncs and listings. Ours are calls of node:fs/promises, a dozen ways to another thread and back; the thread that renews is notified before the guard is handed out.',
    },
  ],
  contestants({ directory, isSmoke }) {
    const takes = isSmoke ? 20 : 200;
    const program = compileC('lease', directory);
    return {
      holdfast: nodeRound('rounds/lease.mjs', directory, takes),
      C: () => printed(program, [directory, String(takes)]),
    };
  },
};
