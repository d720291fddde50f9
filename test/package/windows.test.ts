import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';

import { APP, Wine } from './windows/wine.js';

const HANG = { timeout: 120_000, interval: 20 };
let wine: Wine;
beforeAll(async () => {
  wine = await Wine.open();
});

/** Lines of laws and cases that do not hold. */
function refuted({ stdout }: { readonly stdout: string }): string[] {
  return stdout.split('\n').filter((line) => line.startsWith('NOT '));
}

test('the addon of the tarball locks, and run is a good parent', async () => {
  expect(await wine.node('basic.mjs')).toEqual({ code: 0, stdout: 'win32 x64 true true 3\n', stderr: '' });
  const child = ['C:\\node.exe', '-e', `console.log('ran'); process.exitCode = 3`];
  expect(await wine.holdfast('run', 'r.lock', '--', ...child)).toEqual({
    code: 3,
    stdout: 'ran\n',
    stderr: '',
  });
  const holdfast = ['C:\\node.exe', 'node_modules\\holdfast\\dist\\bin\\holdfast.cjs'];
  const nested = await wine.holdfast(
    'run',
    'r.lock',
    '--',
    ...holdfast,
    'run',
    '-n',
    'r.lock',
    '--',
    'nothing',
  );
  expect(nested.code).toBe(75);
  expect((await wine.holdfast('doctor')).code).toBe(0);
});

test.each(['flock', 'lease'])('%s conforms', async (name) => {
  const result = await wine.node('conform.mjs', `${APP}\\helper.exe`, name);
  expect(refuted(result)).toEqual([]);
  const cases = /^# (.+)$/m.exec(result.stdout)?.[1]?.split(' ') ?? [];
  expect(cases).toEqual(
    expect.arrayContaining(
      ['EXCL-3', 'WAIT-1', 'FENCE-3', 'PERMIT-3', 'NAME-1', 'NAME-2'].filter(
        (id) => name === 'flock' || !id.startsWith('PERMIT'),
      ),
    ),
  );
  expect(result.stdout.match(/^ok /gm)).toHaveLength(cases.length);
});

test('run, names and holders keep the laws of Windows', async () => {
  const result = await wine.node('laws.mjs', `${APP}\\helper.exe`);
  expect(refuted(result)).toEqual([]);
  expect(result.code).toBe(0);
});

test('every spelling of one share gives one backend', async () => {
  const spellings = [
    '\\\\server\\share',
    '\\\\?\\UNC\\server\\share',
    '//server/share',
    'N:\\',
    'n:\\',
    '\\\\?\\N:\\',
  ];
  for (const [spelling, backend] of [
    ...spellings.map((path) => [path, 'lease']),
    ['C:\\app', 'flock'],
    ['\\\\?\\C:\\app', 'flock'],
  ] as const) {
    const { stdout } = await wine.holdfast('doctor', spelling, '--json');
    const { findings } = (JSON.parse(stdout) as { data: { findings: { name: string; value: string }[] } })
      .data;
    expect([spelling, findings.find(({ name }) => name === 'backend')?.value]).toEqual([
      spelling,
      expect.stringMatching(new RegExp(`^${backend}:`)),
    ]);
  }
});

describe('a lease on a folder that Linux and Windows share', () => {
  const lease = 'lease:C:\\shared\\x.lock';
  const path = (): string => join(wine.drive, 'shared', 'x.lock');
  const linux = (...args: string[]) =>
    wine.linux.node('node_modules/holdfast/dist/bin/holdfast.cjs', ...args);
  beforeAll(() => {
    mkdirSync(join(wine.drive, 'shared'));
  });
  const oneShot = () => wine.holdfast('run', '-n', lease, '--', 'C:\\node.exe', '-e', 'console.log(1)');

  test('each is excluded by a hold of the other, and names it', async () => {
    const [inside, go] = ['inside', 'go'].map((name) => join(wine.drive, 'shared', name)) as [string, string];
    const waits = `const fs = require('fs'); fs.writeFileSync('inside', ''); setInterval(() => fs.existsSync('go') && process.exit(), 20)`;
    const onWindows = wine.holdfast(
      'run',
      lease,
      '--',
      'C:\\node.exe',
      '-e',
      `process.chdir('C:\\\\shared'); ${waits}`,
    );
    await vi.waitUntil(() => existsSync(inside), HANG);
    const refused = await linux('run', '-n', `lease:${path()}`, '--', 'true');
    expect([refused.code, refused.stderr]).toEqual([
      75,
      expect.stringMatching(/held by pid \d+ \(node\.exe\)/),
    ]);
    writeFileSync(go, '');
    expect((await onWindows).code).toBe(0);
    for (const name of [inside, go]) rmSync(name);

    const sh = `cd "$1" && : >inside && while [ ! -e go ]; do sleep 0.1; done`;
    const onLinux = linux('run', `lease:${path()}`, '--', 'sh', '-c', sh, 'sh', join(wine.drive, 'shared'));
    await vi.waitUntil(() => existsSync(inside), HANG);
    const other = await oneShot();
    expect([other.code, other.stderr]).toEqual([75, expect.stringMatching(/held by pid \d+/)]);
    writeFileSync(go, '');
    expect((await onLinux).code).toBe(0);
    expect((await oneShot()).code).toBe(0);
  });

  test('one-shot commands take over from a holder on Linux that was killed', async () => {
    const script = join(wine.linux.directory, 'hold.mjs');
    writeFileSync(
      script,
      `import { acquire } from 'holdfast';
      await acquire(process.argv[2], { leaseDurationMs: 2000 });
      console.log('held');
      setInterval(() => undefined, 1000);`,
    );
    const holder = spawn(process.execPath, [script, `lease:${path()}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    expect((await oneShot()).code).toBe(75);
    holder.kill('SIGKILL');
    // Windows cannot know that it is dead, so its lease is waited out: by commands that do not wait themselves.
    let last = await oneShot();
    while (last.code === 75) last = await oneShot();
    expect([last.code, last.stdout]).toEqual([0, '1\n']);
  });

  test('no increment is lost between them', async () => {
    const file = join(wine.drive, 'shared', 'number');
    writeFileSync(file, '0');
    const rounds = 10;
    const ends = await Promise.all([
      ...[1, 2].map(() => wine.linux.node('count.mjs', `lease:${path()}`, file, String(rounds))),
      ...[1, 2].map(() => wine.node('count.mjs', lease, 'C:\\shared\\number', String(rounds))),
    ]);
    expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual(ends.map(() => [0, '']));
    expect(Number(readFileSync(file, 'utf8'))).toBe(4 * rounds);
    expect(existsSync(path())).toBe(true);
  });
});
