import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { cleanEnvironment, HOLDFAST, startHoldfast } from '../support/holdfast.js';
import { start } from '../support/processes.js';

const CLOSED_TERMINAL = fileURLToPath(new URL('closed-terminal.py', import.meta.url));

/** A server that is connected to and answers nothing. */
async function silentServer(): Promise<{ readonly address: string; readonly connected: Promise<unknown> }> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { address: `redis://127.0.0.1:${port}#x`, connected: once(server, 'connection') };
}

it('USR1 before the first answer of a server ends run, and opens no inspector', async () => {
  const { address, connected } = await silentServer();
  const running = startHoldfast(testDirectory(), ['run', address, 'true']);
  await connected;
  process.kill(running.pid, 'SIGUSR1');
  expect(await running.outcome).toMatchObject({ code: null, signal: 'SIGUSR1', stderr: '' });
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
  '%s before the first answer ends run also on a terminal that has hung up',
  async (signal) => {
    const { address, connected } = await silentServer();
    const words = [CLOSED_TERMINAL, process.execPath, HOLDFAST, 'run', address, 'true'];
    const { pid, exited } = start('python3', words, { cwd: testDirectory(), env: cleanEnvironment() });
    await connected;
    process.kill(pid, signal);
    expect(await exited).toMatchObject({ code: null, signal });
  },
);
