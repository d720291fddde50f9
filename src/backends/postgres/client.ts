import type { Clock } from '../../core/time.js';
import { SilentServerError, unavailableError } from '../../net/unavailable.js';
import { within } from '../../net/within.js';
import type { PostgresConfig } from './config.js';
import { exhaustedPoolError } from './errors.js';

/** Of the time for an answer: what is left is for saying that the pool gave no client. */
const POOL_PART = 0.9;

export type Row = Readonly<Record<string, unknown>>;

/** A statement that the server keeps parsed and planned under its name, for as long as the session lives. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** As much of a `pg` client as a session needs. */
export interface PgClient {
  readonly processID?: number | null;
  query(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Row[] }>;
  on(event: 'error' | 'end' | 'notification', listener: (detail?: unknown) => void): unknown;
  removeListener(event: 'error' | 'end' | 'notification', listener: (detail?: unknown) => void): unknown;
  ref?(): void;
  unref?(): void;
  readonly connection?: { readonly stream?: { readonly _handle?: { readonly fd?: number } | null } };
}

/** As much of a `pg` pool as locks need; holds share one of its clients. Pass yours to `createLock(address, { client })`. */
export interface PgPool {
  connect(): Promise<PgClient & { release(destroy?: boolean): void }>;
}

/** A connected client, and how to be rid of it. */
export interface OpenClient {
  readonly client: PgClient;
  close(): void;
}

export interface OpenSession {
  (budgetMs: number): Promise<OpenClient>;
  /** What takes time that is not the server's. */
  readonly ready?: () => Promise<unknown>;
}

interface OwnClient extends PgClient {
  connect(): Promise<unknown>;
  end(): Promise<void>;
}

interface PgPackage {
  readonly Client: new (config: object) => OwnClient;
}

export function ownClients(config: PostgresConfig): OpenSession {
  const { connectionStrings, display } = config;
  const ready = (): Promise<PgPackage> => loadPackage(display);
  const open = async (budgetMs: number): Promise<OpenClient> => {
    const { Client } = await ready();
    let failure: unknown;
    for (const [index, connectionString] of connectionStrings.entries()) {
      const isLast = index === connectionStrings.length - 1;
      try {
        const opened = await connected(Client, connectionString, budgetMs / connectionStrings.length);
        if (isLast || !(await isStandby(opened.client))) return opened;
        opened.close();
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
  return Object.assign(open, { ready });
}

async function connected(
  Client: PgPackage['Client'],
  connectionString: string,
  budgetMs: number,
): Promise<OpenClient> {
  const client = new Client({
    connectionString,
    application_name: 'holdfast',
    keepAlive: true,
    connectionTimeoutMillis: Math.max(1, Math.ceil(budgetMs)),
  });
  // The end of a session is reported to its holds; without a listener it would end the process.
  client.on('error', () => undefined);
  const close = (): void => void client.end().catch(() => undefined);
  try {
    await client.connect();
  } catch (error) {
    close();
    throw error;
  }
  return { client, close };
}

async function isStandby(client: PgClient): Promise<boolean> {
  const { rows } = await client.query('SELECT pg_is_in_recovery() AS is_standby');
  return rows[0]?.['is_standby'] === true;
}

export function pooledClients(pool: PgPool, clock: Clock, display: string): OpenSession {
  return async (budgetMs) => {
    const connecting = pool.connect();
    const client = await within(clock, budgetMs * POOL_PART, connecting).catch((error: unknown) => {
      const isLate = error instanceof SilentServerError;
      void connecting.then((late) => late.release()).catch(() => undefined);
      const isFull = isLate || /timeout exceeded when trying to connect/.test(String(error));
      throw isFull ? exhaustedPoolError(display) : error;
    });
    const ignore = (): void => undefined;
    client.on('error', ignore);
    let isClosed = false;
    const close = (): void => {
      if (isClosed) return;
      isClosed = true;
      // Not back to the pool: its session was set up for locks, with the time limits of others switched off.
      client.release(true);
      client.removeListener('error', ignore);
    };
    return { client, close };
  };
}

async function loadPackage(display: string): Promise<PgPackage> {
  try {
    // @ts-ignore -- the package has no types of its own, and those of others would be one more dependency
    const { default: pg, Client } = (await import('pg')) as {
      default?: PgPackage;
      Client?: PgPackage['Client'];
    };
    return { Client: Client ?? (pg as PgPackage).Client };
  } catch (error) {
    throw unavailableError(display, 'the package "pg" is not installed', 'Run `npm install pg`', error);
  }
}
