import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast, says, script, startHolder, startHoldfast } from '../support/holdfast.js';

describe('the exit code of run', () => {
  it.each([
    ['is the command’s own', ['--', 'sh', '-c', 'exit 7'], 7],
    ['is 128 + 15 for a command that TERM killed', ['sh', '-c', 'kill -TERM $$'], 143],
    ['is 128 + 9 for a command that KILL killed', ['sh', '-c', 'kill -KILL $$'], 137],
    ['is 128 + 36 for a command that a real-time signal killed', ['sh', '-c', 'kill -36 $$'], 164],
    ['is that of the shell behind -c', ['-c', 'exit 5'], 5],
    ['is 127 for a command that is not there', ['no-such-command'], 127],
    ['is 126 for a command that is no program', ['/'], 126],
  ])('%s', async (_, command, code) => {
    const { code: actual, stdout } = await holdfast(testDirectory(), ['run', 'x', ...command]);
    expect([actual, stdout]).toEqual([code, '']);
  });

  it('is 127 for a flag behind LOCK, and says where flags stand', async () => {
    const { code, stderr } = await holdfast(testDirectory(), ['run', 'x', '--lease', '3s', 'true']);
    expect([code, stderr]).toEqual([
      127,
      'holdfast: Could not run "--lease": command not found. Flags of run stand before LOCK.\n',
    ]);
  });

  it('is 126 and names the file without permission', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'tool'), '#!/bin/sh\n', { mode: 0o644 });
    const { code, stderr } = await holdfast(directory, ['run', 'x', './tool']);
    expect([code, stderr]).toEqual([
      126,
      'holdfast: Could not run "./tool": permission denied. Make it executable.\n',
    ]);
  });

  it.each([
    [['run'], 'LOCK is missing'],
    [['run', 'x'], 'COMMAND is missing'],
    [['run', '-w', 'soon', 'x', 'true'], '-w is a duration'],
    [['run', '--tiemout', '2', 'x', 'true'], '(did you mean "--timeout"?)'],
    [['run', '-s', '-x', 'x', 'true'], '-s exclude each other'],
    [['run', '-c', 'true', 'x'], '-c STRING stands right behind LOCK'],
    [['run', 'x', '-c', 'true', 'more'], '-c takes one STRING'],
    [['run', '--lease', '10ms', 'x', 'true'], '--lease lies between'],
    [['run', 'foo://bar#x', 'true'], 'no backend is called "foo"'],
    [['run', '77'], '77 is not a descriptor of the calling shell'],
    [['frobnicate'], 'Unknown command "frobnicate"'],
  ])('is 64 for %j, with one line that says why', async (args, why) => {
    const { code, stdout, stderr } = await holdfast(testDirectory(), args);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toContain(why);
    expect(stderr).toMatch(/^holdfast: .*See "holdfast( run)? --help"\.\n$/);
  });

  it('is 77 where the lock file may not be made or opened', async () => {
    const directory = testDirectory();
    chmodSync(directory, 0o755);
    mkdirSync(join(directory, 'closed'), { mode: 0o700 });
    const asNobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const { code, stderr } = await script(directory, `${asNobody} $H run closed/x true`);
    expect([code, stderr]).toEqual([
      77,
      'holdfast: Could not lock "' +
        join(directory, 'closed/x') +
        '": permission denied (EACCES). Check its owner and mode.\n',
    ]);
  });

  it('is 64 for a variable that is no duration, and names it', async () => {
    const { code, stderr } = await holdfast(testDirectory(), ['run', 'x', 'true'], {
      env: { HOLDFAST_LOCK_TIMEOUT: 'soon' },
    });
    expect(code).toBe(64);
    expect(stderr).toContain('HOLDFAST_LOCK_TIMEOUT is a duration');
  });
});

describe('while somebody holds the lock', () => {
  it.each([
    [['-w', '0.3'], {}, 'timeout 300 ms (--wait)'],
    [['--timeout', '0.3'], {}, 'timeout 300 ms (--timeout)'],
    [['--lock-timeout', '300ms'], { HOLDFAST_LOCK_TIMEOUT: '9s' }, 'timeout 300 ms (--lock-timeout)'],
    [[], { HOLDFAST_LOCK_TIMEOUT: '300ms' }, 'timeout 300 ms (HOLDFAST_LOCK_TIMEOUT)'],
    [[], { HOLDFAST_LOCK_TIMEOUT: '0' }, 'timeout 0 s (HOLDFAST_LOCK_TIMEOUT)'],
  ])('%j with %j gives up with 75, naming the holder and %s', async (flags, env, limit) => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['x']);
    const { code, stderr, stdout } = await holdfast(directory, ['run', ...flags, 'x', 'echo', 'inside'], {
      env,
    });
    expect([code, stdout]).toEqual([75, '']);
    expect(stderr).toContain(`pid ${holder.pid} (sh)`);
    expect(stderr).toContain(limit);
  });

  it('-w 2 gives up after 2 s', async () => {
    const directory = testDirectory();
    await startHolder(directory, ['x']);
    const { code } = await holdfast(directory, ['run', '-w', '2', '--events', 'log', 'x', 'true']);
    expect(code).toBe(75);
    const lines = readFileSync(join(directory, 'log'), 'utf8').trim().split('\n');
    const [waiting, failed] = lines.map((line) => Date.parse((JSON.parse(line) as { at: string }).at));
    expect((failed as number) - (waiting as number)).toBeGreaterThan(1_900);
  });

  it('the configuration file decides last, upwards from here', async () => {
    const directory = testDirectory();
    const below = join(directory, 'a/b');
    mkdirSync(below, { recursive: true });
    writeFileSync(join(directory, 'holdfast.config.json'), '{"lockTimeout": "300ms"}');
    await startHolder(directory, ['x']);
    const { code, stderr } = await holdfast(below, ['run', '../../x', 'true']);
    expect(code).toBe(75);
    expect(stderr).toContain('timeout 300 ms (holdfast.config.json)');
  });

  it.each([
    [['-n'], 75],
    [['-nE9'], 9],
    [['--nb', '--conflict-exit-code', '0'], 0],
    [['-w0', '-E', '12'], 12],
  ])('%j fails at once with %i', async (flags, expected) => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['x']);
    const { code, stderr } = await holdfast(directory, ['run', ...flags, 'x', 'true']);
    expect(code).toBe(expected);
    expect(stderr).toContain(`pid ${holder.pid}`);
  });

  it('-q says nothing', async () => {
    const directory = testDirectory();
    await startHolder(directory, ['x']);
    const { code, stdout, stderr } = await holdfast(directory, ['run', '-qw0.3', 'x', 'true']);
    expect([code, stdout, stderr]).toEqual([75, '', '']);
  });

  it('INT ends a wait with 130 and TERM with 143', async () => {
    const directory = testDirectory();
    await startHolder(directory, ['x']);
    for (const [signal, expected] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const waiter = startHoldfast(directory, ['run', 'x', 'true']);
      await says(waiter, 'waiting for "x"');
      process.kill(waiter.pid, signal);
      const { code, stderr } = await waiter.outcome;
      expect(code).toBe(expected);
      expect(stderr).toMatch(new RegExp(`Could not lock "x": canceled by ${signal} after .*Nothing was run`));
    }
  });

  it('says that it waits, how it went, and nothing at all when nobody is in the way', async () => {
    const directory = testDirectory();
    const alone = await holdfast(directory, ['run', 'x', 'echo', 'inside']);
    expect([alone.stdout, alone.stderr]).toEqual(['inside\n', '']);
    const holder = await startHolder(directory, ['x']);
    const waiter = startHoldfast(directory, ['run', 'x', 'echo', 'inside']);
    await says(waiter, 'waiting for "x"');
    expect(waiter.stderr()).toMatch(
      new RegExp(
        `^holdfast: waiting for "x", held by pid ${holder.pid} \\(sh\\) since \\d\\d:\\d\\d:\\d\\d; timeout infinite \\(default\\); Ctrl-C to cancel\\n$`,
      ),
    );
    await holder.end();
    const { code, stdout, stderr } = await waiter.outcome;
    expect([code, stdout]).toEqual([0, 'inside\n']);
    expect(stderr.split('\n')[1]).toMatch(/^holdfast: got "x" after /);
  });
});

describe('a configuration that is wrong', () => {
  it.each([
    ['{"lockTimeot": "5s"}', 'unknown key "lockTimeot" (did you mean "lockTimeout"?)'],
    [
      '{"lockTimeout": "soon"}',
      'lockTimeout must be a duration such as 1500ms, 5s, 2.5 (seconds), 10m or infinite, not "soon"',
    ],
    ['{"cache": {"timeuot": 5}}', 'unknown key "cache.timeuot" (did you mean "timeout"?)'],
    ['{"cache": 5}', 'cache must be an object, not 5'],
    [
      '{"lockTimeout": true}',
      'lockTimeout must be a duration such as "30s" or a number of seconds, not true',
    ],
    ['[]', 'it must hold a JSON object'],
    ['{', 'is not JSON'],
  ])('%s: 64, naming file and key', async (text, why) => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'holdfast.config.json'), text);
    const { code, stderr } = await holdfast(directory, ['run', 'x', 'true']);
    expect(stderr).toContain(join(directory, 'holdfast.config.json'));
    expect(stderr).toContain(why);
    expect(code).toBe(64);
  });
});

it('run --events tells a whole story in JSON lines', async () => {
  const directory = testDirectory();
  const holder = await startHolder(directory, ['x']);
  const waiter = startHoldfast(directory, [
    'run',
    '--events',
    'log',
    '--reason',
    'nightly',
    'x',
    'sh',
    '-c',
    'exit 3',
  ]);
  await says(waiter, 'waiting');
  await holder.end();
  expect((await waiter.outcome).code).toBe(3);
  const lines = readFileSync(join(directory, 'log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ event }) => event)).toEqual(['waiting', 'acquired', 'started', 'ended']);
  expect(lines.every(({ lock, pid }) => lock === join(directory, 'x') && pid === waiter.pid)).toBe(true);
  expect(lines[0].holders[0]).toMatchObject({ pid: holder.pid, mode: 'exclusive' });
  expect(lines[3]).toMatchObject({ exitCode: 3 });
});
