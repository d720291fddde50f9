// The lock itself, against other packages and against C.
import { join } from 'node:path';

import { compileC, nodeRound, printed } from './harness.mjs';

const SLOW_PEERS = ['proper-lockfile', 'lockfile', 'cross-process-lock'];
const OPERATIONS = 20_000;
const BOTH = ['ext4', 'tmpfs'];

const fileOf = (directory, kind) => join(directory, kind.replaceAll(/[^a-z0-9]+/gi, '-'));
const takes = (directory, kinds, operations) =>
  Object.fromEntries(
    kinds.map((kind) => [kind, nodeRound('contestants/take.mjs', kind, fileOf(directory, kind), operations)]),
  );
const rounds = (file, directory, kinds, ...rest) =>
  Object.fromEntries(
    kinds.map((kind) => [kind, nodeRound(`contestants/${file}.mjs`, kind, fileOf(directory, kind), ...rest)]),
  );
const cRound = (name, directory, ...args) => {
  const program = compileC(name, directory);
  return () => printed(program, [fileOf(directory, `c-${name}-lock`), ...args.map(String)]);
};

const bare = {
  id: 'acquire',
  fileSystems: BOTH,
  isInSmoke: true,
  measures: [
    {
      id: 'sync',
      title: 'acquire + release, synchronous',
      unit: 'us',
      subject: 'holdfast sync',
      target: { to: 'C', ratioAtMost: 1.2 },
    },
    {
      id: 'async',
      title: 'acquire + release, asynchronous, no record',
      unit: 'us',
      subject: 'holdfast, no record',
      target: { to: 'C', ratioAtMost: 1.5 },
    },
  ],
  async contestants({ directory, isSmoke }) {
    const count = isSmoke ? 10_000 : OPERATIONS;
    const kinds = ['holdfast sync', 'holdfast, no record'];
    const each = takes(directory, kinds, count);
    const asked = (kind, id) => async () => ({ [id]: await each[kind]() });
    return {
      'holdfast sync': asked('holdfast sync', 'sync'),
      'holdfast, no record': asked('holdfast, no record', 'async'),
      C: toBoth(cRound('take', directory, 'plain', count)),
    };
  },
};

function toBoth(run) {
  return async () => {
    const value = await run();
    return { sync: value, async: value };
  };
}

const record = {
  id: 'record',
  fileSystems: BOTH,
  isInSmoke: true,
  measures: [
    {
      id: 'time',
      title: 'acquire + release, asynchronous, with the holder record',
      unit: 'us',
      subject: 'holdfast',
      target: { to: 'C writing a record', ratioAtMost: 1.25 },
      note: 'the C program looks at the head of the file and writes as many bytes as we do; ours are made anew each time: pid, command, host, time, holder id.',
    },
  ],
  contestants: async ({ directory, isSmoke }) => ({
    ...takes(directory, ['holdfast'], isSmoke ? 10_000 : OPERATIONS),
    'C writing a record': cRound('take', directory, 'record', isSmoke ? 10_000 : OPERATIONS),
  }),
};

const packages = {
  id: 'packages',
  fileSystems: BOTH,
  measures: [
    {
      id: 'time',
      title: 'acquire + release, as each package offers it',
      unit: 'us',
      subject: 'holdfast, no record',
      isChart: true,
      target: { to: 'proper-lockfile', ratioAtLeast: 150 },
      note: 'proper-lockfile makes a dozen calls to the thread pool for one lock, so its time is that of waking threads, which differs between machines more than all else here; its 10 s after the death of a holder do not. fs-ext and fs-native-extensions are asked synchronously and leave opening, waiting, records and the check of the file to their caller.',
    },
  ],
  contestants: async ({ directory }) => ({
    ...takes(directory, ['holdfast', 'holdfast, no record', 'fs-ext', 'fs-native-extensions'], OPERATIONS),
    ...takes(directory, SLOW_PEERS, 200),
  }),
};

const inProcess = {
  id: 'in-process',
  fileSystems: ['tmpfs'],
  measures: [
    { id: 'time', title: 'acquire + release inside one process', unit: 'us', subject: 'holdfast memory:' },
  ],
  contestants: async ({ directory }) => takes(directory, ['holdfast memory:', 'async-mutex'], OPERATIONS),
};

const handoff = {
  id: 'handoff',
  fileSystems: ['tmpfs'],
  rounds: 11,
  measures: [
    {
      id: 'time',
      title: 'handoff from one process to the next',
      unit: 'us',
      subject: 'holdfast',
      isChart: true,
      target: { to: 'fs-native-extensions', ratioAtMost: 1.1 },
      note: 'two threads are woken one after the other (10 to 35 us and 20 us; where the kernel puts them differs from run to run). Unlike the addon beside it, ours then looks whether the file is still at its path and writes the record (12 us), and lets the event loop run before its thread ends, which made up for 30 us. What follows is 30 to 35 us of JavaScript with cold caches, evenly spread (measured step by step): the wait and its deadline end, the queue of this process is notified, the guard is made. A process that is handed the lock again and again pays as much, since it sleeps in between.',
    },
  ],
  contestants: async ({ directory }) => ({
    ...rounds('handoff', directory, ['holdfast', 'fs-native-extensions'], 60),
    ...rounds('handoff', directory, ['proper-lockfile', 'cross-process-lock'], 3),
    C: cRound('handoff', directory, 60),
  }),
};

const blocked = {
  id: 'blocked',
  fileSystems: ['tmpfs'],
  rounds: 7,
  measures: [
    {
      id: 'time',
      title: 'processor time while blocked 5 s',
      unit: 'ms',
      subject: 'holdfast',
      target: { atMost: 1 },
    },
  ],
  contestants: async ({ directory }) =>
    rounds('blocked', directory, ['holdfast', 'fs-native-extensions', 'proper-lockfile'], 5_000),
};

const callers = {
  id: 'callers',
  fileSystems: ['tmpfs'],
  isInSmoke: true,
  measures: [
    {
      id: 'time',
      title: '1000 callers of one process, each',
      unit: 'us',
      subject: 'holdfast, no record',
      target: { atMost: 15 },
    },
    { id: 'threads', title: 'threads that 1000 callers start', unit: '', subject: 'holdfast, no record' },
  ],
  contestants: async ({ directory }) =>
    rounds('callers', directory, ['holdfast, no record', 'holdfast', 'async-mutex'], 1000),
};

const fairness = {
  id: 'fairness',
  fileSystems: ['tmpfs'],
  rounds: 7,
  measures: [
    {
      id: 'share',
      title: '8 processes, 1 ms sections: least over greatest share',
      unit: '',
      subject: 'holdfast',
      target: { atLeast: 0.8 },
    },
    {
      id: 'wait',
      title: '8 processes, 1 ms sections: longest wait',
      unit: 'ms',
      subject: 'holdfast',
      isChart: true,
      target: { atMost: 60 },
    },
    {
      id: 'perSecond',
      title: '8 processes, 1 ms sections: turns per second',
      unit: '/s',
      subject: 'holdfast',
    },
  ],
  contestants: async ({ directory }) => ({
    ...rounds('fairness', directory, ['holdfast', 'fs-native-extensions', 'proper-lockfile'], 8, 3_000),
    'C, plain flock': cRound('fairness', directory, 8, 3_000),
  }),
};

const killed = {
  id: 'killed',
  fileSystems: ['tmpfs'],
  rounds: 7,
  measures: [
    {
      id: 'time',
      title: 'SIGKILL of the holder to the next grant',
      unit: 'ms',
      subject: 'holdfast',
      isChart: true,
      target: { atMost: 5 },
    },
  ],
  contestants: async ({ directory }) => ({
    ...rounds('killed', directory, ['holdfast', 'fs-native-extensions'], 15),
    ...rounds('killed', directory, ['proper-lockfile'], 1),
    C: cRound('killed', directory, 15),
  }),
};

const writer = {
  id: 'writer',
  fileSystems: ['tmpfs'],
  rounds: 7,
  measures: [
    {
      id: 'time',
      title: 'a writer among 8 overlapping readers',
      unit: 'ms',
      subject: 'holdfast',
      target: { atMost: 50 },
      note: 'the C program gives up after 2 s; plain flock(2) has no queue.',
    },
  ],
  contestants: async ({ directory }) => ({
    ...rounds('writer', directory, ['holdfast'], 8),
    'C, plain flock': cRound('writer', directory, 8, 2_000),
  }),
};

export const suite = {
  title: 'Locks',
  experiments: [bare, record, packages, inProcess, handoff, blocked, callers, fairness, killed, writer],
};
