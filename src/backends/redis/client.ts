import { unavailableError } from '../../net/unavailable.js';
import type { RedisConfig } from './config.js';

/** As much of a connected node-redis client as a lock needs. Pass your own to `createLock(address, { client })`. */
export interface RedisClient {
  sendCommand(args: readonly string[]): Promise<unknown>;
}

/** As much of node-redis as our own connections need. */
export interface OwnClient extends RedisClient {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  destroy(): void;
  ref(): void;
  unref(): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  subscribe(channel: string, listener: () => void): Promise<unknown>;
  unsubscribe(channel: string, listener: () => void): Promise<unknown>;
}

interface RedisPackage {
  createClient(options: object): OwnClient;
}

/** A client that connects once, never by itself again: what was lost with a connection is for us to find out. */
export async function createOwnClient(config: RedisConfig, connectTimeoutMs: number): Promise<OwnClient> {
  const redis = await loadPackage(config.display);
  const client = redis.createClient({
    RESP: 3,
    disableOfflineQueue: true,
    // Each command has a deadline of ours; the package's own is an AbortSignal for each, which costs half a round trip.
    commandOptions: { timeout: undefined },
    database: config.database,
    ...(config.username !== undefined && { username: config.username }),
    ...(config.password !== undefined && { password: config.password }),
    socket: {
      host: config.host,
      port: config.port,
      connectTimeout: Math.max(1, Math.ceil(connectTimeoutMs)),
      reconnectStrategy: false,
      ...(config.tls !== undefined && { tls: true, ...config.tls }),
    },
  });
  // Every failure reaches whoever waits for it; without a listener the event would end the process.
  client.on('error', () => undefined);
  return client;
}

async function loadPackage(display: string): Promise<RedisPackage> {
  try {
    return (await import('redis')) as unknown as RedisPackage;
  } catch (error) {
    throw unavailableError(display, 'the package "redis" is not installed', 'Run `npm install redis`', error);
  }
}
