// @ts-expect-error -- the package has no types
import pg from 'pg';

/** A plain client to look at the server with, past everything that is tested. */
export interface TestPostgres {
  query(text: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
}

export async function connectPostgres(url: string): Promise<TestPostgres> {
  const { Client } = pg as {
    Client: new (options: object) => TestPostgres & { connect(): Promise<void>; on: Function };
  };
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
