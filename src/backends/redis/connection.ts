import { type Clock, Deadlines } from '../../core/time.js';
import { SilentServerError } from '../../net/unavailable.js';
import { within } from '../../net/within.js';
import { createOwnClient, loadPackage, type OwnClient, type RedisClient } from './client.js';
import type { RedisConfig } from './config.js';
import { assertFit, closedClientError, redisError } from './errors.js';
import type { Script } from './scripts.js';

/** A way to a server. Rejects with a LockError when nothing was sent, with anything else when the reply is missing. */
export interface RedisConnection {
  command(args: readonly string[], budgetMs: number): Promise<unknown>;
  /** Calls `listener` on every message until the returned function is called. Best effort. */
  listen?(channel: string, listener: (message: string) => void): () => void;
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

/** What a connection reports without having been asked. */
export interface ConnectionEvents {
  /** It ended, by itself or because a reply was missing. */
  onClosed(): void;
  /** A key that was read here has changed; undefined: any of them. */
  onChanged(key: string | undefined): void;
}

/** One connection of our own, made when first needed and again after it broke. */
export class OwnConnection implements RedisConnection {
  readonly #config: RedisConfig;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #events: ConnectionEvents | undefined;
  readonly #listeners = new Map<string, Set<(message: string) => void>>();
  readonly #handlers = new Map<string, (message: string) => void>();
  #client: OwnClient | undefined;
  #connecting: Promise<OwnClient> | undefined;
  #unanswered = 0;
  /** Off where the server does not allow it. */
  #tracks: boolean;

  /** @param events with them, the server reports changes of the keys that are read here. */
  constructor(config: RedisConfig, clock: Clock, events?: ConnectionEvents) {
    this.#config = config;
    this.#clock = clock;
    this.#deadlines = new Deadlines(clock);
    this.#events = events;
    this.#tracks = events !== undefined;
  }

  command(args: readonly string[], budgetMs: number): Promise<unknown> {
    const client = this.#client;
    if (client?.isOpen === true) return this.#send(client, args, budgetMs);
    return this.#connectAndSend(args, budgetMs);
  }

  async #connectAndSend(args: readonly string[], budgetMs: number): Promise<unknown> {
    // Not the server's time: on a busy machine it takes seconds.
    await loadPackage(this.#config.display);
    const startedAt = this.#clock.now();
    const connected = await this.#connected(budgetMs);
    const leftMs = Math.max(1, budgetMs - (this.#clock.now() - startedAt));
    return this.#send(connected, args, leftMs);
  }

  #send(client: OwnClient, args: readonly string[], budgetMs: number): Promise<unknown> {
    // An idle connection must not keep the process alive, not even while it holds a lock.
    if (this.#unanswered++ === 0) client.ref();
    return new Promise((resolve, reject) => {
      const deadline = this.#deadlines.addForAnswer(budgetMs, () => {
        reject(new SilentServerError(budgetMs));
        // A reply that comes after its time would be lost: the connection is of no use any more.
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

  listen(channel: string, listener: (message: string) => void): () => void {
    let listeners = this.#listeners.get(channel);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(channel, listeners);
      if (this.#client?.isOpen === true) this.#subscribe(this.#client, channel);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
      this.#listeners.delete(channel);
      const handler = this.#handlers.get(channel);
      this.#handlers.delete(channel);
      if (this.#client?.isOpen === true && handler !== undefined) {
        this.#client.unsubscribe(channel, handler).catch(() => undefined);
      }
    };
  }

  close(): void {
    if (this.#client !== undefined) this.#drop(this.#client);
  }

  #subscribe(client: OwnClient, channel: string): void {
    const handler = (message: string): void =>
      this.#listeners.get(channel)?.forEach((listener) => listener(message));
    this.#handlers.set(channel, handler);
    // A message only spares its listeners a wait: they look now and then in any case.
    client.subscribe(channel, handler).catch(() => undefined);
  }

  async #connected(budgetMs: number): Promise<OwnClient> {
    this.#connecting ??= this.#connect(budgetMs).finally(() => (this.#connecting = undefined));
    try {
      return await within(this.#clock, budgetMs, this.#connecting);
    } catch (error) {
      throw redisError(error, this.#config.display, this.#config.server);
    }
  }

  async #connect(budgetMs: number): Promise<OwnClient> {
    try {
      return await this.#open(budgetMs);
    } catch (error) {
      const isRefused = error instanceof Error && error.message.includes('NOPERM');
      if (!this.#tracks || !isRefused) throw error;
      this.#tracks = false;
      return this.#open(budgetMs);
    }
  }

  async #open(budgetMs: number): Promise<OwnClient> {
    const tracks = this.#tracks;
    const client = await createOwnClient(this.#config, { connectTimeoutMs: budgetMs, tracks });
    try {
      await within(this.#clock, budgetMs, client.connect());
      const info = within(this.#clock, budgetMs, client.sendCommand(['INFO']));
      // Without what changes here itself.
      if (tracks) client.sendCommand(['CLIENT', 'TRACKING', 'ON', 'NOLOOP']).catch(() => undefined);
      assertFit(String(await info), this.#config.display);
    } catch (error) {
      this.#drop(client);
      throw error;
    }
    this.#client = client;
    if (this.#unanswered === 0) client.unref();
    for (const channel of this.#listeners.keys()) this.#subscribe(client, channel);
    if (this.#events !== undefined) this.#report(client, this.#events);
    return client;
  }

  #report(client: OwnClient, events: ConnectionEvents): void {
    let isEnded = false;
    const end = (): void => {
      if (isEnded) return;
      isEnded = true;
      if (this.#client === client) this.#client = undefined;
      events.onClosed();
    };
    client.on('error', () => {
      if (!client.isOpen) end();
    });
    client.on('end', end);
    client.on('invalidate', (key) => events.onChanged(key?.toString()));
  }

  #drop(client: OwnClient): void {
    if (this.#client === client) this.#client = undefined;
    if (client.isOpen) client.destroy();
  }
}

/** The caller's own client: used as it is, reconnects as it likes, and is left open. */
export function borrowedConnection(client: RedisClient, clock: Clock, display: string): RedisConnection {
  let isFit: Promise<void> | undefined;
  const send = (args: readonly string[]): Promise<unknown> =>
    client.sendCommand(args).catch((error: unknown) => {
      throw closedClientError(error, display) ?? error;
    });
  const look = async (): Promise<void> => assertFit(String(await send(['INFO'])), display);
  return {
    async command(args, budgetMs) {
      isFit ??= look();
      try {
        await within(clock, budgetMs, isFit);
      } catch (error) {
        isFit = undefined;
        throw redisError(error, display, 'the client');
      }
      return within(clock, budgetMs, send(args));
    },
    close: () => undefined,
  };
}
