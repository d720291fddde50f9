import { join } from 'node:path';

import { nodeRound } from './harness.mjs';

export const suite = {
  title: 'Shared cache',
  experiments: [
    {
      id: 'unchanged-read',
      fileSystems: ['ext4', 'tmpfs'],
      rounds: 9,
      isInSmoke: true,
      measures: [
        {
          id: 'time',
          title: 'read of an unchanged cache, 1 MB of JSON',
          unit: 'us',
          isChart: true,
          subject: 'holdfast',
          target: { atMost: 20 },
        },
      ],
      async contestants({ directory, isSmoke }) {
        const path = join(directory, 'cache.json');
        const round = (who, count) => nodeRound('rounds/cache.mjs', who, path, isSmoke ? count / 10 : count);
        const holdfast = round('holdfast', 20_000);
        // Makes the file that the others read.
        await holdfast();
        return {
          holdfast,
          statSync: round('statSync', 20_000),
          'read and parse': round('read and parse', 100),
        };
      },
    },
  ],
};
