import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { together } from '../support/finish.js';
import { freePort, until } from '../support/ports.js';
import { start, type TestChild } from '../support/processes.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { threeEngines } from '../support/three-engines.js';
import { hangMs, machineUnit } from '../support/time.js';

const HOLDFAST = fileURLToPath(new URL('../../dist/bin/holdfast.cjs', import.meta.url));
const SECRET = 'hunter2-s3cr3t';
const LEASE = `${Math.ceil(4_000 * machineUnit)}ms`;

const engines = threeEngines('--requirepass', SECRET);

const at = (name: string): string => engines.redis.url.replace('://', `://:${SECRET}@`) + `#${name}`;
const on: Readonly<Record<string, (name: string) => string>> = {
  redis: at,
  postgres: (name) => `${engines.postgres.url}#${name}`,
  etcd: (name) => `${engines.etcd.url}#${name}`,
};
const holdfast = (...args: string[]): TestChild =>
  start(process.execPath, [HOLDFAST, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });

/** Exit code, and both streams. */
async function ended(child: TestChild): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stderr = '';
  child.process.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const { code, stdout } = await child.exited;
  return { code, stdout, stderr };
}

describe('the command, by the address of an engine', () => {
  test('runs, shows, lists and breaks, and nowhere repeats the password', async () => {
    const wrapper = holdfast(
      'run',
      '--reason',
      'to be seen',
      at('cli'),
      '--',
      'sh',
      '-c',
      'env | grep HOLDFAST_ | sort; echo up; read _',
    );
    await wrapper.line(/^up$/);
    expect(wrapper.stdout()).toMatch(/^HOLDFAST_TOKEN=\d+$/m);
    const title = readFileSync(`/proc/${wrapper.pid}/cmdline`, 'utf8');
    expect(title).toContain('holdfast run');
    expect(title).not.toContain(SECRET);

    const shown = await ended(holdfast('show', at('cli')));
    expect(shown.stdout).toMatch(/held .*redis/);
    expect(shown.stdout).toContain('to be seen');
    const holder = /--holder ([a-z2-7]{26})/.exec(shown.stdout.replace(/\s+/g, ' '))?.[1] as string;
    const listed = await ended(holdfast('ls', at('cli').replace('#cli', '')));
    expect(listed.stdout).toMatch(/#cli +exclusive/);
    expect((await ended(holdfast('test', at('cli')))).code).toBe(75);
    const refused = await ended(holdfast('run', '-n', at('cli'), '--', 'true'));
    expect(refused.code).toBe(75);
    const broken = await ended(holdfast('break', '--force', '--now', at('cli'), '--holder', holder));
    expect(broken).toMatchObject({ code: 0 });
    expect((await ended(holdfast('run', '-w', '5s', at('cli'), '--', 'echo', 'mine'))).stdout).toContain(
      'mine',
    );

    wrapper.process.stdin?.end('\n');
    const all = [wrapper.stdout(), shown, listed, refused, broken].map((part) => JSON.stringify(part)).join();
    expect(all).not.toContain(SECRET);
    await wrapper.exited;
  });

  test('a server that is not there ends with 69 and a next step', async () => {
    const address = `redis://:${SECRET}@127.0.0.1:${await freePort()}/0#x`;
    const { code, stderr } = await ended(holdfast('run', '-w', '5s', address, '--', 'true'));
    expect(code).toBe(69);
    expect(stderr).toMatch(/nothing listens at .*Start the server/s);
    expect(stderr).not.toContain(SECRET);
  });

  test('--permits lets that many in', async () => {
    const lock = join(testDirectory(), 'jobs.lock');
    const two = [1, 2].map(() =>
      holdfast('run', '--permits', '2', lock, '--', 'sh', '-c', 'echo in; read _'),
    );
    await Promise.all(two.map((child) => child.line(/^in$/)));
    expect((await ended(holdfast('run', '-n', '--permits', '2', lock, '--', 'true'))).code).toBe(75);
    two[0]?.process.stdin?.end('\n');
    await two[0]?.exited;
    expect((await ended(holdfast('run', '-w', '5s', '--permits', '2', lock, '--', 'true'))).code).toBe(0);
    two[1]?.process.stdin?.end('\n');
  });

  for (const engine of ['redis', 'postgres', 'etcd']) {
    together(`--permits on ${engine}: a killed holder's permit comes back`, async () => {
      const address = on[engine]?.('jobs') as string;
      const run = ['run', '--permits', '2', '--lease', LEASE];
      const two = [1, 2].map(() => holdfast(...run, address, '--', 'sh', '-c', 'echo in; read _'));
      await Promise.all(two.map((child) => child.line(/^in$/)));
      expect((await ended(holdfast(...run, '-n', address, '--', 'true'))).code).toBe(75);
      two[0]?.process.kill('SIGKILL');
      expect((await ended(holdfast(...run, '-w', `${hangMs}ms`, address, '--', 'echo', 'mine'))).stdout).toBe(
        'mine\n',
      );
      two[1]?.process.stdin?.end('\n');
      await two[1]?.exited;
    });
  }

  for (const engine of ['redis', 'etcd']) {
    together(`--stand-by on ${engine}: a leader whose hold is broken stands by and leads again`, async () => {
      const address = on[engine]?.('lead') as string;
      const log = join(testDirectory(), 'log');
      writeFileSync(log, '');
      const script = `echo started >> ${log}; test $(grep -c started ${log}) -ge 2 && exit 7; exec sleep 600`;
      const run = ['run', '--stand-by', '--lease', LEASE, '--grace', '1s'];
      const end = ended(holdfast(...run, address, '--', 'sh', '-c', script));
      await until('it runs', () => readFileSync(log, 'utf8').includes('started'));
      const { stdout } = await ended(holdfast('show', '--json', address));
      const holder = /"holderId": ?"([a-z2-7]{26})"/.exec(stdout)?.[1] as string;
      expect((await ended(holdfast('break', '--force', address, '--holder', holder))).code).toBe(0);
      expect(await end).toMatchObject({ code: 7, stderr: expect.stringMatching(/standing by/) as string });
      expect(readFileSync(log, 'utf8')).toBe('started\nstarted\n');
    });
  }

  test('a release that no server answers is reported, and the exit code is that of the command', async () => {
    const proxy = await startTcpProxy(engines.etcd.members[0]?.clientPort as number);
    const address = `etcd://127.0.0.1:${proxy.port}#unreleased`;
    const wrapper = holdfast('run', address, '--', 'sh', '-c', 'echo up; read _; exit 7');
    await wrapper.line(/^up$/);
    await proxy.close();
    wrapper.process.stdin?.end('go on\n');
    const { code, stderr } = await ended(wrapper);
    expect(stderr).toMatch(/Could not release .* The lock is free/s);
    expect(code).toBe(7);
  });

  test('--stand-by starts the command again after a loss, and ends with it otherwise', async () => {
    const proxy = await startTcpProxy(engines.postgres.port);
    const log = join(testDirectory(), 'log');
    writeFileSync(log, '');
    const address = engines.postgres.url.replace(`:${engines.postgres.port}`, `:${proxy.port}`) + '#leader';
    const script = `echo started >> ${log}; test $(grep -c started ${log}) -ge 2 && exit 7; exec sleep 600`;
    const wrapper = holdfast('run', '--stand-by', '--grace', '1s', address, '--', 'sh', '-c', script);
    const end = ended(wrapper);
    await until('it runs', () => readFileSync(log, 'utf8').includes('started'));
    await delay(100);
    proxy.reset();
    const { code, stderr } = await end;
    expect(code).toBe(7);
    expect(readFileSync(log, 'utf8')).toBe('started\nstarted\n');
    expect(stderr).toMatch(/session that held it ended/);
    expect(stderr).toMatch(/standing by/);
    await proxy.close();
  });
});

test('no process of ours is left behind', () => {
  const processes = execFileSync('ps', ['-eo', 'args']).toString();
  expect(processes).not.toContain(SECRET);
});
