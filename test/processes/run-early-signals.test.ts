import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startHoldfast } from '../support/holdfast.js';

it('USR1 before the first answer of a server ends run, and opens no inspector', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const { port } = server.address() as AddressInfo;
  const running = startHoldfast(testDirectory(), ['run', `redis://127.0.0.1:${port}#x`, 'true']);
  await connected;
  process.kill(running.pid, 'SIGUSR1');
  expect(await running.outcome).toMatchObject({ code: null, signal: 'SIGUSR1', stderr: '' });
});
