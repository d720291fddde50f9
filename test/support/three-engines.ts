import { afterAll, beforeAll } from 'vitest';

import {
  startEtcd,
  startPostgres,
  startRedis,
  type EtcdCluster,
  type PostgresServer,
  type RedisServer,
} from './engines.js';

export interface ThreeEngines {
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  readonly etcd: EtcdCluster;
}

/** One of each for the tests of a file: there from its first `beforeAll` on, until after its last `afterAll`. */
export function threeEngines(...redisOptions: string[]): ThreeEngines {
  const engines = {} as { -readonly [Name in keyof ThreeEngines]: ThreeEngines[Name] };
  beforeAll(async () => {
    [engines.redis, engines.postgres, engines.etcd] = await Promise.all([
      startRedis(...redisOptions),
      startPostgres(),
      startEtcd(),
    ]);
  });
  afterAll(() => Promise.all(Object.values(engines).map((engine) => engine.stop())));
  return engines;
}
