import type { Address } from '../core/address.js';
import { withoutCredentials } from '../core/credentials.js';
import type { Backend, Capabilities } from '../core/backend.js';
import { Namespace, type LeaseKeeper } from '../core/namespace.js';
import { ETCD_CAPABILITIES } from '../backends/etcd/config.js';
import { POSTGRES_CAPABILITIES } from '../backends/postgres/config.js';
import { REDIS_CAPABILITIES } from '../backends/redis/config.js';
import { warnings } from '../core/warnings.js';
import { systemClock } from '../platform/clock.js';
import { leaseClock } from '../platform/lease-clock.js';
import type { PgPool } from '../backends/postgres/client.js';
import type { RedisClient } from '../backends/redis/client.js';
import { REGISTER_CAPABILITIES } from '../backends/register/config.js';
import type { S3ClientLike } from '../backends/s3/borrowed.js';
import { lazyBackend } from './lazy-backend.js';

export type { PgPool, RedisClient, S3ClientLike };

/** What a caller may bring along instead of an address with credentials. */
export type EngineClient = RedisClient | PgPool | S3ClientLike;

export type EngineScheme = 'etcd' | 'redis' | 'postgres' | 's3';

interface Engine {
  readonly capabilities: Capabilities;
  /** It queues waiters itself; else they ask from time to time. */
  readonly hasQueue: boolean;
  /** @param target the server's address, credentials included. */
  open(target: string): Promise<Backend>;
}

const ENGINES: Readonly<Record<EngineScheme, Engine>> = {
  etcd: {
    capabilities: ETCD_CAPABILITIES,
    hasQueue: true,
    open: async (target) => {
      const { createEtcdBackend } = await import('../backends/etcd/index.js');
      const backend = createEtcdBackend(target, systemClock, leaseClock);
      if (warnings.areOn) void warnOf(backend);
      return backend;
    },
  },
  redis: {
    capabilities: REDIS_CAPABILITIES,
    hasQueue: true,
    open: async (target) =>
      (await import('../backends/redis/index.js')).createRedisBackend(target, systemClock, leaseClock),
  },
  postgres: {
    capabilities: POSTGRES_CAPABILITIES,
    hasQueue: true,
    open: async (target) =>
      (await import('../backends/postgres/index.js')).createPostgresBackend(target, systemClock, leaseClock),
  },
  s3: {
    capabilities: REGISTER_CAPABILITIES,
    hasQueue: false,
    open: async (target) =>
      (await import('../backends/s3/index.js')).createS3Backend(target, systemClock, leaseClock),
  },
};

const warned = new Set<string>();

/** Once per process for each weakness, while something else is asked of the server. */
async function warnOf(backend: Backend): Promise<void> {
  const weaknesses = await backend.weaknesses?.().catch(() => []);
  for (const weakness of weaknesses ?? []) {
    if (warned.has(weakness)) continue;
    warned.add(weakness);
    process.emitWarning(weakness, { type: 'HoldfastWarning', code: 'HOLDFAST_WEAK_SERVER' });
  }
}

export function isEngine(scheme: Address['scheme']): scheme is EngineScheme {
  return scheme in ENGINES;
}

/** The locks of one server. Nothing is loaded, read or connected before the first of them is asked for. */
export function engineNamespace(scheme: EngineScheme, target: string, keeper: LeaseKeeper): Namespace {
  const backend = lazyEngine(scheme, withoutCredentials(target), () => ENGINES[scheme].open(target));
  return new Namespace(backend, systemClock, keeper, target);
}

/** What watches that the first answer comes in time is loaded with the engine, and covers the rest of its loading. */
function lazyEngine(scheme: EngineScheme, display: string, load: () => Promise<Backend>): Backend {
  const { capabilities, hasQueue } = ENGINES[scheme];
  const common = { name: scheme, capabilities, hasQueue };
  return lazyBackend({
    ...common,
    unanswered: async (request) => {
      const { unansweredError } = await import('../backends/engine/answer-in-time.js');
      return unansweredError(display, request);
    },
    load: async () => {
      const { answeringInTime } = await import('../backends/engine/answer-in-time.js');
      return answeringInTime(lazyBackend({ ...common, load }), display, systemClock);
    },
  });
}

/** The locks that go through the caller's own client. */
export function clientNamespace(
  scheme: Address['scheme'],
  client: EngineClient,
  display: string,
  keeper: LeaseKeeper,
): Namespace {
  const backend = lazyEngine(scheme as EngineScheme, display, opener(scheme, client, display));
  return new Namespace(backend, systemClock, keeper, display);
}

function opener(scheme: Address['scheme'], client: EngineClient, display: string): () => Promise<Backend> {
  // ioredis has a method of this name too, which takes something else; a pg.Client has a connect, and is one session.
  const isForeign = 'status' in client || 'processID' in client;
  if (scheme === 'redis' && 'sendCommand' in client && !isForeign) {
    return async () =>
      (await import('../backends/redis/index.js')).createBorrowedRedisBackend(
        client,
        display,
        systemClock,
        leaseClock,
      );
  }
  if (scheme === 'postgres' && 'connect' in client && !('sendCommand' in client) && !isForeign) {
    return async () =>
      (await import('../backends/postgres/index.js')).createPooledPostgresBackend(
        client,
        display,
        systemClock,
        leaseClock,
      );
  }
  if (scheme === 's3' && 'config' in client) {
    return async () =>
      (await import('../backends/s3/index.js')).createBorrowedS3Backend(
        client,
        display,
        systemClock,
        leaseClock,
      );
  }
  throw new TypeError(
    `Could not use the client for "${display}": a redis:// address takes a node-redis client (of the package redis), a postgres:// address a pg.Pool, an s3:// address an S3Client of @aws-sdk/client-s3, and others none.`,
  );
}
