import { type Clock, Deadlines } from '../../core/time.js';
import { SilentServerError } from '../../net/unavailable.js';
import { within } from '../../net/within.js';
import { createOwnClient, type OwnClient, type RedisClient } from './client.js';
import type { RedisConfig } from './config.js';
import { clusterError, evictionError, redisError } from './errors.js';
import type { Script } from './scripts.js';

/** A way to a server. Rejects with a LockError when nothing was sent, with anything else when the reply is missing. */
export interface RedisConnection {
  command(args: readonly string[], budgetMs: number): Promise<unknown>;
  /** Calls `listener` on every message until the returned function is called. Best effort. */
  listen?(channel: string, listener: () => void): () => void;
  close(): void;
}

/** Sends the script's hash alone; its text only to a server that has not seen it, which has then not run it. */
export function evaluate(
  connection: RedisConnection,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
  budgetMs: number,
): Promise<unknown> {
  const command = ['EVALSHA', script.sha, String(keys.length), ...keys, ...args];
  return connection.command(command, budgetMs).catch((error: unknown) => {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return connection.command(['EVAL', script.source, ...command.slice(2)], budgetMs);
  });
}

/** One connection of our own, made when first needed and again after it broke. */
export class OwnConnection implements RedisConnection {
  readonly #config: RedisConfig;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #listeners = new Map<string, Set<() => void>>();
  #client: OwnClient | undefined;
  #connecting: Promise<OwnClient> | undefined;
  #unanswered = 0;

  constructor(config: RedisConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#deadlines = new Deadlines(clock);
  }

  command(args: readonly string[], budgetMs: number): Promise<unknown> {
    const client = this.#client;
    if (client?.isOpen === true) return this.#send(client, args, budgetMs);
    const startedAt = this.#clock.now();
    return this.#connected(budgetMs).then((connected) => {
      const leftMs = Math.max(1, budgetMs - (this.#clock.now() - startedAt));
      return this.#send(connected, args, leftMs);
    });
  }

  #send(client: OwnClient, args: readonly string[], budgetMs: number): Promise<unknown> {
    // A connection that nobody waits on must not keep the process alive, not even while it holds a lock.
    if (this.#unanswered++ === 0) client.ref();
    return new Promise((resolve, reject) => {
      const deadline = this.#deadlines.add(budgetMs, () => {
        reject(new SilentServerError(budgetMs));
        // A reply that comes after its time would be taken for nobody's: the connection is of no use any more.
        this.#drop(client);
      });
      const settle = (): void => {
        this.#deadlines.remove(deadline);
        if (--this.#unanswered === 0 && client.isOpen) client.unref();
      };
      client.sendCommand(args).then(
        (reply) => {
          settle();
          resolve(reply);
        },
        (error: unknown) => {
          settle();
          reject(error);
        },
      );
    });
  }

  listen(channel: string, listener: () => void): () => void {
    let listeners = this.#listeners.get(channel);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(channel, listeners);
      if (this.#client?.isOpen === true) subscribe(this.#client, channel, this.#heard);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
      this.#listeners.delete(channel);
      if (this.#client?.isOpen === true)
        this.#client.unsubscribe(channel, this.#heard(channel)).catch(() => undefined);
    };
  }

  close(): void {
    if (this.#client !== undefined) this.#drop(this.#client);
  }

  readonly #heardBy = new Map<string, () => void>();
  readonly #heard = (channel: string): (() => void) => {
    let heard = this.#heardBy.get(channel);
    if (heard === undefined) {
      heard = () => this.#listeners.get(channel)?.forEach((listener) => listener());
      this.#heardBy.set(channel, heard);
    }
    return heard;
  };

  async #connected(budgetMs: number): Promise<OwnClient> {
    this.#connecting ??= this.#connect(budgetMs).finally(() => (this.#connecting = undefined));
    try {
      return await within(this.#clock, budgetMs, this.#connecting);
    } catch (error) {
      throw redisError(error, this.#config.display, this.#config.server);
    }
  }

  async #connect(budgetMs: number): Promise<OwnClient> {
    const client = await createOwnClient(this.#config, budgetMs);
    try {
      await within(this.#clock, budgetMs, client.connect());
      await within(this.#clock, budgetMs, assertFit(client, this.#config.display));
    } catch (error) {
      this.#drop(client);
      throw error;
    }
    this.#client = client;
    // Whoever asked may have given up meanwhile; then nobody waits for it.
    if (this.#unanswered === 0) client.unref();
    for (const channel of this.#listeners.keys()) subscribe(client, channel, this.#heard);
    return client;
  }

  #drop(client: OwnClient): void {
    if (this.#client === client) this.#client = undefined;
    if (client.isOpen) client.destroy();
  }
}

function subscribe(client: OwnClient, channel: string, heard: (channel: string) => () => void): void {
  // Waiters look again now and then in any case; a subscription only spares them the wait.
  client.subscribe(channel, heard(channel)).catch(() => undefined);
}

/** The caller's own client: used as it is, reconnects as it likes, and is left open. */
export function borrowedConnection(client: RedisClient, clock: Clock, display: string): RedisConnection {
  let isFit: Promise<void> | undefined;
  return {
    async command(args, budgetMs) {
      isFit ??= assertFit(client, display);
      try {
        await within(clock, budgetMs, isFit);
      } catch (error) {
        isFit = undefined;
        throw redisError(error, display, 'the client');
      }
      return within(clock, budgetMs, client.sendCommand(args));
    },
    close: () => undefined,
  };
}

/**
 * A lock needs one server that decides and that never forgets a key by itself.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH, HOLDFAST_UNSUPPORTED; the client's error when INFO is not allowed.
 */
async function assertFit(client: RedisClient, display: string): Promise<void> {
  const info = String(await client.sendCommand(['INFO']));
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') throw evictionError(display, policy);
  if (/^cluster_enabled:1/m.test(info)) throw clusterError(display);
}
