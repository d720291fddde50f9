import type { Clock } from '../../core/time.js';
import type { LeaseClock } from '../../core/lease.js';
import type { EtcdConfig } from './config.js';
import type { Gateway } from './gateway.js';
import type { Sessions } from './session.js';

/** What the parts of this backend share. */
export interface EtcdContext {
  readonly gateway: Gateway;
  readonly sessions: Sessions;
  readonly config: EtcdConfig;
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
  readonly server: string;
  readonly display: string;
}
