// A thousand locks of one process at one server, and how soon a hold learns that it is over.
import { nodeRound } from './harness.mjs';
import { dispose, etcd, postgres, redis } from './servers.mjs';

const many = (contestant, url) => nodeRound('rounds/engine-holds.mjs', contestant, url);
const loss = (engine, url) => nodeRound('rounds/engine-loss.mjs', engine, url);

/** 1000 holds of one process, taken at once. A round in which one is lost fails. */
function manyHolds(engine, start, others) {
  const measure = { subject: 'holdfast' };
  return {
    id: `${engine}-holds`,
    rounds: 7,
    measures: [
      {
        ...measure,
        id: 'time',
        title: `${engine}: 1000 locks of one process, taken at once`,
        unit: 'ms',
        target: { atMost: 1_000 },
        note: 'the time until the last of them is granted.',
      },
      {
        ...measure,
        id: 'sockets',
        title: `${engine}: sockets of that process, at most`,
        unit: '',
        target: { atMost: 4 },
        note: 'all holds share the connections of their process: one, and with leases one more for the thread that renews.',
      },
      {
        ...measure,
        id: 'cpu',
        title: `${engine}: processor time while 1000 locks are held, of one core`,
        unit: '%',
        target: { atMost: 3 },
        note: 'over 10 s, with leases of 30 s, each of which is renewed once meanwhile. The others renew nothing.',
      },
    ],
    async contestants({ directory }) {
      const url = await start(directory);
      const names = ['holdfast', ...others];
      return Object.fromEntries(
        names.map((contestant) => [contestant, many(`${engine} ${contestant}`, url)]),
      );
    },
    dispose,
  };
}

function lossOf(engine, start, fact) {
  return {
    id: `${engine}-loss`,
    rounds: 9,
    measures: [
      {
        id: 'time',
        title: `${engine}: from ${fact} to guard.lost`,
        unit: 'ms',
        subject: 'holdfast',
        target: { atMost: 250 },
        note: 'counted from the moment at which the request that ends the hold is sent, by another connection.',
      },
    ],
    async contestants({ directory }) {
      return { holdfast: loss(engine, await start(directory)) };
    },
    dispose,
  };
}

export const suite = {
  title: 'A thousand holds over engines',
  notes: ['One server each on loopback, a process of its own for every round.'],
  experiments: [
    manyHolds('redis', redis, ['redlock', 'bare SET NX, one client']),
    manyHolds('postgres', postgres, ['advisory locks, one client']),
    manyHolds('etcd', etcd, ['bare puts, one connection']),
    lossOf('redis', redis, 'the deletion of its key'),
    lossOf('postgres', postgres, 'the end of its session'),
    lossOf('etcd', etcd, 'the end of its lease'),
  ],
};
