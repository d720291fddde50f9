// What users do all day, and how its cost grows. Each size is a row; `growth` puts the rows of one work on one chart.
import { bySize, figures, measuresOf } from './by-size.mjs';
import { callers, crowd, lease, newLocks, update } from './growth-locks.mjs';
import { compileC, nodeRound, printed } from './harness.mjs';

const LINE_BYTES = 115;
const CALLERS = [1, 4, 16, 64, 256];
const RECORDS = [10_000, 100_000, 1_000_000];
const HELD = [100, 1_000, 5_000];
const FILES = [100, 1_000, 10_000];

export const suite = {
  title: 'Where the work grows',
  notes: 'Charts are logarithmic in both directions.',
  experiments: [
    {
      id: 'append',
      fileSystems: ['ext4', 'tmpfs'],
      rounds: 7,
      isInSmoke: true,
      measures: measuresOf(
        CALLERS,
        { title: 'JsonLines.append, each, by callers at once', unit: 'us', x: 'callers' },
        (size) => ({
          title: `JsonLines.append, ${size === 1 ? 'one by one' : `${size} callers at once`}, each`,
          unit: 'us',
          ...(size === 1 && {
            target: (fileSystem) => (fileSystem === 'tmpfs' ? undefined : { to: 'C', ratioAtMost: 1.5 }),
            note: 'a sync of tmpfs is nothing: what is left there is the hop to another thread and back, and the lock. Since the callers of one object share a sync, more of them cost less each.',
          }),
          ...(size === 64 && {
            target: (fileSystem) => (fileSystem === 'tmpfs' ? undefined : { atMost: 40 }),
          }),
        }),
      ),
      contestants({ directory, isSmoke }) {
        const appends = isSmoke ? 200 : 1_000;
        const program = compileC('append', directory);
        const inNode = (who) =>
          bySize(CALLERS, (callers) => nodeRound('rounds/append.mjs', who, directory, appends, callers));
        return {
          holdfast: inNode('holdfast'),
          C: async () => ({
            at1: await printed(program, [directory, String(LINE_BYTES), String(appends)]),
          }),
          ...(!isSmoke && {
            'open, write, sync and close of node:fs/promises': inNode(
              'open, write, sync and close of node:fs/promises',
            ),
            'better-sqlite3, WAL': inNode('better-sqlite3, WAL'),
          }),
        };
      },
    },
    {
      id: 'read-lines',
      rounds: 7,
      isInSmoke: true,
      fileSystems: ['tmpfs'],
      measures: measuresOf(
        RECORDS,
        { title: 'JsonLines.read, each record, by records', unit: 'us', x: 'records' },
        (size) => ({
          title: `JsonLines.read of ${figures(size)} records, each`,
          unit: 'us',
          ...(size === RECORDS.at(-1) && {
            target: { to: 'readline and JSON.parse', ratioAtMost: 0.7 },
            note: 'two thirds of it is JSON.parse of each line, which both do; an await of each record is most of the rest, which readBatches() saves.',
          }),
        }),
      ),
      contestants({ directory, isSmoke }) {
        const inNode = (who) =>
          bySize(RECORDS, (records) =>
            nodeRound('rounds/read-lines.mjs', who, directory, isSmoke ? records / 10 : records),
          );
        return {
          holdfast: inNode('holdfast'),
          'holdfast, batches': inNode('holdfast, batches'),
          'readline and JSON.parse': inNode('readline and JSON.parse'),
          ...(!isSmoke && { split2: inNode('split2'), ndjson: inNode('ndjson') }),
        };
      },
    },
    {
      id: 'append-all',
      rounds: 7,
      measures: [
        {
          id: 'time',
          title: 'JsonLines.appendAll of 100 000 records, each',
          unit: 'us',
          subject: 'holdfast',
          note: '"one write" joins the lines, writes them at once and syncs; no lock, no check of what the file ends with.',
        },
      ],
      contestants: ({ directory }) => ({
        holdfast: nodeRound('rounds/append-all.mjs', 'holdfast', directory, 100_000),
        'one write': nodeRound('rounds/append-all.mjs', 'one write', directory, 100_000),
        'better-sqlite3, WAL': nodeRound('rounds/append-all.mjs', 'better-sqlite3, WAL', directory, 100_000),
      }),
    },
    update,
    callers,
    crowd,
    newLocks,
    lease,
    {
      id: 'inspect',
      rounds: 7,
      fileSystems: ['tmpfs'],
      measures: measuresOf(
        HELD,
        { title: 'inspect of one lock, by locks held', unit: 'ms', x: 'locks held by this process' },
        (size) => ({
          title: `inspect of one lock while this process holds ${figures(size)}`,
          unit: 'ms',
          ...(size === HELD.at(-1) && { target: { atMost: 15 } }),
        }),
      ),
      contestants: ({ directory }) => ({
        holdfast: bySize(HELD, (held) => nodeRound('rounds/many-locks.mjs', 'inspect', directory, held)),
      }),
    },
    {
      id: 'ls',
      rounds: 7,
      fileSystems: ['tmpfs'],
      measures: measuresOf(
        FILES,
        { title: 'holdfast ls, by lock files', unit: 'ms', x: 'lock files' },
        (size) => ({
          title: `holdfast ls of ${figures(size)} lock files, start of Node included`,
          unit: 'ms',
          ...(size === FILES.at(-1) && { target: { atMost: 500 } }),
        }),
      ),
      contestants: ({ directory }) => ({
        holdfast: bySize(FILES, (files) => nodeRound('rounds/many-locks.mjs', 'ls', directory, files)),
        'a stat of each': bySize(FILES, (files) =>
          nodeRound('rounds/many-locks.mjs', 'stat', directory, files),
        ),
      }),
    },
  ],
};
