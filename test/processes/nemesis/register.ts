import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { fencingTokenOf } from '../../../src/fencing/index.js';

/** A resource per path that takes a write unless a higher token has been there. It is no part of any engine. */
export async function startRegister(host = '127.0.0.1'): Promise<{ readonly url: string; close(): void }> {
  const highest = new Map<string, bigint>();
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const path = request.url ?? '/';
      const token = fencingTokenOf(request.headers) ?? 0n;
      if (token < (highest.get(path) ?? 0n)) return response.writeHead(412).end();
      highest.set(path, token);
      return response.writeHead(204).end();
    });
  });
  // Of a worker that is stopped nothing is heard for seconds.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
