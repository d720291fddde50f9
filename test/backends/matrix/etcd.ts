import { etcdCall, startEtcd, type EtcdCluster } from '../../support/engines.js';
import { GOES_ON, playable, type Playable, type Situation } from './situation.js';

const alone: readonly Situation<EtcdCluster>[] = [
  {
    name: 'restarts with its data',
    start: () => startEtcd(),
    happen: ({ members }) => members[0]?.restart() ?? Promise.resolve(),
    outcomes: GOES_ON,
  },
  {
    name: 'has a full database (alarm NOSPACE)',
    start: () => startEtcd(),
    happen: async ({ url }) => {
      const { header } = await etcdCall(url, '/v3/maintenance/status', {});
      const memberID = (header as { member_id: string }).member_id;
      await etcdCall(url, '/v3/maintenance/alarm', { action: 'ACTIVATE', memberID, alarm: 'NOSPACE' });
    },
    // What is held is held, and passes on; a break that leaves time to its holder would have to put a key.
    outcomes: { ...GOES_ON, holder: 143, breaker: 74 },
  },
];

export const etcdSituations: readonly Playable[] = alone.map(playable);
