import type { Clock } from '../../core/time.js';
import type { LeaseClock } from '../../core/lease.js';
import type { RedisConfig } from './config.js';
import type { RedisConnection } from './connection.js';

/** What the parts of this backend share. */
export interface RedisContext {
  readonly connection: RedisConnection;
  /** `host:port` and the address without credentials, for messages. */
  readonly server: string;
  readonly display: string;
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
  /** How a worker reaches the same server; undefined where only the caller's own client does. */
  readonly config: RedisConfig | undefined;
}
