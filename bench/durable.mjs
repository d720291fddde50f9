import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { compileC, nodeRound, printed } from './harness.mjs';

const BYTES = 100_000;
const LIMIT = 'C and an asynchronous stat';

/** Enough for a steady median, little enough for a disk that takes milliseconds per sync. */
function countFor(directory, isSmoke) {
  const count = directory.startsWith('/dev/shm') ? 2_000 : 150;
  return isSmoke ? count / 10 : count;
}

export const suite = {
  title: 'Durable files',
  notes:
    'holdfast and C sync the file and its directory; write-file-atomic and atomically sync the file only, so after a power failure either name may be back at the old content.',
  experiments: [
    {
      id: 'replace',
      fileSystems: ['ext4', 'tmpfs'],
      rounds: 9,
      isInSmoke: true,
      measures: [
        {
          id: 'time',
          title: 'durable replace of 100 KB, async',
          unit: 'us',
          isChart: true,
          subject: 'holdfast',
          // Without a disk the way to another thread and back is most of it, and C makes none.
          target: (fileSystem) => ({ to: fileSystem === 'tmpfs' ? LIMIT : 'C', ratioAtMost: 1.25 }),
          note: `on tmpfs a sync is nothing, and an asynchronous call is first of all the way to libuv's pool and back; "${LIMIT}" adds what a bare stat() of node:fs took in the same round.`,
        },
      ],
      contestants({ directory, isSmoke }) {
        const count = countFor(directory, isSmoke);
        const program = compileC('durable', directory);
        const own = join(directory, 'c');
        mkdirSync(own);
        const inC = () => printed(program, [own, String(BYTES), String(count)]);
        const inNode = (who) => nodeRound('rounds/durable.mjs', who, directory, BYTES, count);
        return {
          holdfast: inNode('holdfast'),
          C: inC,
          [LIMIT]: async () => (await inC()) + (await inNode('stat')()),
          'holdfast without the addon': inNode('plain'),
          ...(!isSmoke && {
            'write-file-atomic': inNode('write-file-atomic'),
            atomically: inNode('atomically'),
          }),
        };
      },
    },
  ],
};
