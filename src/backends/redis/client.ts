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
  on(event: 'end', listener: () => void): unknown;
  /** Only with {@link ClientOptions.tracks}: the key, or null for all of them. */
  on(event: 'invalidate', listener: (key: string | Buffer | null) => void): unknown;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
}

export interface ClientOptions {
  readonly connectTimeoutMs: number;
  /**
   * The server is asked to report changes of the keys that are read on this connection. Versions of the package that do
   * not know it (below 5.8) ignore it.
   */
  readonly tracks: boolean;
}

interface RedisPackage {
  createClient(options: object): OwnClient;
}

/** A client that connects once, never by itself again: what was lost with a connection is for us to find out. */
export async function createOwnClient(
  config: RedisConfig,
  { connectTimeoutMs, tracks }: ClientOptions,
): Promise<OwnClient> {
  const redis = await loadPackage(config.display);
  const connectTimeout = Math.max(1, Math.ceil(connectTimeoutMs));
  const where =
    config.socketPath === undefined ? { host: config.host, port: config.port } : { path: config.socketPath };
  const client = redis.createClient({
    RESP: 3,
    disableOfflineQueue: true,
    // Each command has a deadline of ours; the package's own is an AbortSignal for each, which costs half a round trip.
    commandOptions: { timeout: undefined },
    database: config.database,
    ...(config.username !== undefined && { username: config.username }),
    ...(config.password !== undefined && { password: config.password }),
    ...(tracks && { emitInvalidate: true }),
    socket: {
      ...where,
      connectTimeout,
      reconnectStrategy: false,
      ...(config.tls !== undefined && { tls: true, ...config.tls }),
    },
  });
  // Failures reach the callers whose commands fail; without a listener the event would end the process.
  client.on('error', () => undefined);
  return client;
}

export async function loadPackage(display: string): Promise<RedisPackage> {
  try {
    return (await import('redis')) as unknown as RedisPackage;
  } catch (error) {
    throw unavailableError(display, 'the package "redis" is not installed', 'Run `npm install redis`', error);
  }
}
