import { setTimeout as delay } from 'node:timers/promises';

import { etcdCall, startEtcd, type EtcdCluster } from '../../support/engines.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { GOES_ON, IS_LOST, LEASE_MS, playable, type Playable, type Situation } from './situation.js';

const encode = (text: string): string => Buffer.from(text).toString('base64');

interface Guarded extends AsyncDisposable {
  /** Of the user `app`, whose role has what it needs. */
  readonly url: string;
  asRoot(path: string, body: object): Promise<void>;
}

const EVERYTHING = { key: encode('holdfast/'), range_end: encode('holdfast0') };

async function startGuarded(): Promise<Guarded> {
  // Each login costs the server a hash, and every command of a situation logs in.
  const cluster = await startEtcd(1, '--bcrypt-cost', '4');
  const steps = [
    ['user/add', { name: 'root', password: 'root' }],
    ['role/add', { name: 'root' }],
    ['user/grant', { user: 'root', role: 'root' }],
    ['user/add', { name: 'app', password: 'old' }],
    ['role/add', { name: 'app' }],
    ['role/grant', { name: 'app', perm: { permType: 'READWRITE', ...EVERYTHING } }],
    ['user/grant', { user: 'app', role: 'app' }],
    ['enable', {}],
  ] as const;
  for (const [path, body] of steps) await etcdCall(cluster.url, `/v3/auth/${path}`, body);
  return {
    url: cluster.url.replace('://', '://app:old@'),
    async asRoot(path, body) {
      const { token } = await etcdCall(cluster.url, '/v3/auth/authenticate', {
        name: 'root',
        password: 'root',
      });
      const reply = await fetch(`${cluster.url.replace('etcd:', 'http:')}/v3/auth/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { Authorization: String(token) },
      });
      if (!reply.ok) throw new Error(await reply.text());
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

async function startBehindProxy() {
  const cluster = await startEtcd();
  const proxy = await startTcpProxy(cluster.members[0]?.clientPort as number);
  return {
    url: `etcd://127.0.0.1:${proxy.port}`,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await cluster.stop();
      await proxy.close();
    },
  };
}

const alone: readonly Situation<EtcdCluster>[] = [
  {
    name: 'restarts with its data',
    isQuick: true,
    start: () => startEtcd(),
    happen: ({ members }) => members[0]?.restart() ?? Promise.resolve(),
    outcomes: GOES_ON,
  },
  {
    name: 'restarts without its data',
    start: () => startEtcd(),
    happen: ({ members }) => members[0]?.restartEmpty() ?? Promise.resolve(),
    outcomes: IS_LOST,
  },
  {
    name: 'is paused past the lease',
    start: () => startEtcd(),
    happen: async ({ members }) => {
      await members[0]?.process().pause();
      await delay(1.5 * LEASE_MS);
      members[0]?.process().resume();
    },
    outcomes: IS_LOST,
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
  {
    name: 'replaces a member',
    start: () => startEtcd(3),
    happen: (cluster) => cluster.replace(0),
    outcomes: GOES_ON,
  },
];

const cut: readonly Situation<Awaited<ReturnType<typeof startBehindProxy>>>[] = [
  {
    name: 'ends all connections',
    start: startBehindProxy,
    happen: ({ proxy }) => Promise.resolve(proxy.reset()),
    outcomes: GOES_ON,
  },
];

const guarded: readonly Situation<Guarded>[] = [
  {
    name: 'gets another password for the user',
    start: startGuarded,
    happen: ({ asRoot }) => asRoot('user/changepw', { name: 'app', password: 'new' }),
    outcomes: { holder: 76, permit: 76, waiter: 69, spare: 'standing by', breaker: 69 },
  },
  {
    name: 'gets another user',
    start: startGuarded,
    happen: ({ asRoot }) => asRoot('user/add', { name: 'other', password: 'secret' }),
    outcomes: GOES_ON,
  },
  {
    name: 'makes the user read-only',
    start: startGuarded,
    happen: async ({ asRoot }) => {
      await asRoot('role/revoke', { role: 'app', ...EVERYTHING });
      await asRoot('role/grant', { name: 'app', perm: { permType: 'READ', ...EVERYTHING } });
    },
    // Holds go on: their lease is renewed. None can be released, but one that is given up passes on with the end of its lease.
    outcomes: { ...GOES_ON, holder: 143, breaker: 77 },
  },
];

export const etcdSituations: readonly Playable[] = [
  ...alone.map(playable),
  ...cut.map(playable),
  ...guarded.map(playable),
];
