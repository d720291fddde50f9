import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { cleanEnvironment, HOLDFAST, startHolder } from '../support/holdfast.js';
import { eventually, start, type TestChild } from '../support/processes.js';

const PROGRAM = fileURLToPath(new URL('hung-terminal.py', import.meta.url));
const COMMAND = 'echo x >started; while [ ! -e go ]; do sleep 0.02; done; echo x >ran; exit 7';

function onTerminal(directory: string, fds: string, words: readonly string[]): TestChild {
  const args = [PROGRAM, fds, process.execPath, HOLDFAST, ...words];
  return start('python3', args, { cwd: directory, env: cleanEnvironment() });
}

const HANGUP = 1n;

/** Resolves once the process listens for signals, as it does from the first moment of a wait. */
function waitsFor(pid: number): Promise<true> {
  return eventually('the wrapper waits', () => {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return ((BigInt(`0x${caught}`) >> (HANGUP - 1n)) & 1n) === 1n || undefined;
  }) as Promise<true>;
}

describe.each(['x', 'lease:x'])('run %s on a terminal that hangs up', (lock) => {
  it.each(['2', '12', '012'])(
    'while the command runs: its exit code counts (descriptors %s)',
    async (fds) => {
      const directory = testDirectory();
      const child = onTerminal(directory, fds, ['run', '--verbose', lock, 'sh', '-c', COMMAND]);
      await eventually('the command runs', () => existsSync(join(directory, 'started')));
      child.process.stdin?.write('\n');
      await child.line(/^hung up$/);
      writeFileSync(join(directory, 'go'), '');
      expect((await child.exited).stdout).toMatch(/\nexited 7\n$/);
      expect(existsSync(join(directory, 'ran'))).toBe(true);
    },
  );

  it.each(['2', '012'])('while it waits: the command runs (descriptors %s)', async (fds) => {
    const directory = testDirectory();
    const holder = await startHolder(directory, [lock]);
    const child = onTerminal(directory, fds, ['run', lock, 'sh', '-c', COMMAND]);
    const [, pid = ''] = await child.line(/^started (\d+)$/);
    await waitsFor(Number(pid));
    child.process.stdin?.write('\n');
    await child.line(/^hung up$/);
    writeFileSync(join(directory, 'go'), '');
    await holder.end();
    expect((await child.exited).stdout).toMatch(/\nexited 7\n$/);
    expect(existsSync(join(directory, 'ran'))).toBe(true);
  });
});

it('a command other than run keeps its exit code, too', async () => {
  const directory = testDirectory();
  const holder = await startHolder(directory, ['x']);
  const child = onTerminal(directory, '012', ['wait', 'x']);
  const [, pid = ''] = await child.line(/^started (\d+)$/);
  await waitsFor(Number(pid));
  child.process.stdin?.write('\n');
  await child.line(/^hung up$/);
  await holder.end();
  expect((await child.exited).stdout).toMatch(/\nexited 0\n$/);
});
