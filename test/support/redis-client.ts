import { createClient } from 'redis';

/** A plain client to look at the server with, past everything that is tested. */
export interface TestRedis {
  sendCommand(args: readonly string[]): Promise<unknown>;
  destroy(): void;
}

export async function connectRedis(url: string): Promise<TestRedis> {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  return client as unknown as TestRedis;
}
