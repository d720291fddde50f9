import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast, says, script, startHolder, startHoldfast, startScript } from '../support/holdfast.js';
import { eventually, isGone } from '../support/processes.js';
import { quiescentMs } from '../support/time.js';

async function isLocked(directory: string, lock: string): Promise<boolean> {
  return (await script(directory, `flock -n ${lock} true`)).code !== 0;
}

/** What `break` does to a lease. False when its holder renewed it in that instant. */
function revoke(directory: string, to: string): boolean {
  const name = readdirSync(directory).find((entry) => entry.startsWith('s.')) as string;
  try {
    renameSync(join(directory, name), join(directory, to));
    return true;
  } catch {
    return false;
  }
}

describe('run as a parent', () => {
  it('waits for a command that cleans up after TERM; the lock is free only then', async () => {
    const directory = testDirectory();
    const running = startHoldfast(directory, [
      'run',
      'x',
      'sh',
      '-c',
      'trap "sleep 0.4; echo cleaned; exit 9" TERM; echo ready; while :; do sleep 0.05; done',
    ]);
    await running.child.line(/^ready$/);
    process.kill(running.pid, 'SIGTERM');
    expect(await isLocked(directory, 'x')).toBe(true);
    const { code, stdout, tookMs } = await running.outcome;
    expect([code, stdout]).toEqual([9, 'ready\ncleaned\n']);
    expect(tookMs).toBeGreaterThan(400);
    expect(await isLocked(directory, 'x')).toBe(false);
  });

  it.each(['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    'passes %s on when there is no terminal that would',
    async (signal) => {
      const directory = testDirectory();
      const name = signal.slice(3);
      const running = startHoldfast(directory, [
        'run',
        'x',
        'bash',
        '-c',
        `trap "echo got ${name}; exit 3" ${name}; echo ready; while :; do sleep 0.05; done`,
      ]);
      await running.child.line(/^ready$/);
      process.kill(running.pid, signal);
      const { code, stdout } = await running.outcome;
      expect([code, stdout]).toEqual([3, `ready\ngot ${name}\n`]);
    },
  );

  it('killed, leaves the lock with its command until that ends', async () => {
    const directory = testDirectory();
    const running = startHoldfast(directory, ['run', 'x', 'sh', '-c', 'echo $$; exec sleep 30']);
    const [, pid] = await running.child.line(/^(\d+)$/);
    process.kill(running.pid, 'SIGKILL');
    await eventually('the wrapper is gone', () => isGone(running.pid));
    expect(await isLocked(directory, 'x')).toBe(true);
    process.kill(Number(pid), 'SIGKILL');
    await eventually('the lock is free', () => isGone(Number(pid)));
    expect((await holdfast(directory, ['run', '-n', 'x', 'true'])).code).toBe(0);
  });

  it('killed with -o, ends the command, which has no descriptor of the lock, and frees it', async () => {
    const directory = testDirectory();
    const running = startHoldfast(directory, ['run', '-o', 'x', 'sh', '-c', 'echo $$; exec sleep 30']);
    const [pid = ''] = await running.child.line(/^(\d+)$/);
    process.kill(running.pid, 'SIGKILL');
    await eventually('the lock is free', async () => !(await isLocked(directory, 'x')));
    expect(isGone(Number(pid))).toBe(true);
  });

  it('frees the lock at its end although a grandchild keeps the descriptor', async () => {
    const directory = testDirectory();
    const { code } = await script(directory, '$H run x -c "sleep 5 >/dev/null 2>&1 &"; $H run -n x true');
    expect(code).toBe(0);
  });

  it('passes standard input, descriptors and a jobserver through', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'data'), 'from three\n');
    writeFileSync(join(directory, 'Makefile'), 'all: ; +@$(H) run x $(MAKE) -f Inner\n');
    writeFileSync(join(directory, 'Inner'), 'all: a b\na: ; @echo a\nb: ; @echo b\n');
    const input = await script(directory, 'echo input | $H run x cat');
    expect(input.stdout).toBe('input\n');
    const three = await script(directory, '$H run x sh -c "cat <&3" 3<data');
    expect(three.stdout).toBe('from three\n');
    const make = await script(directory, 'H="$H" make --no-print-directory -j2');
    expect([make.stdout.split('\n').sort().join(''), make.stderr]).toEqual(['ab', '']);
  });

  it('tells the command what it holds', async () => {
    const directory = testDirectory();
    const { stdout } = await holdfast(directory, ['run', './x', 'sh', '-c', 'env; echo PARENT=$PPID'], {
      env: { HOLDFAST_TOKEN: 'of another lock' },
    });
    const env = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s, 2)),
    );
    expect(env.HOLDFAST_LOCK).toBe(join(directory, 'x'));
    expect(env.HOLDFAST_HOLDER).toMatch(/^[a-z2-7]{26}$/);
    expect(env.HOLDFAST_ANCESTORS).toBe(env.PARENT);
    expect(env.HOLDFAST_TOKEN).toBeUndefined();
  });

  it('refuses at once to wait for a lock that it runs under, however deep', async () => {
    const directory = testDirectory();
    const { code, stderr } = await script(directory, '$H run x -- $H run y -- sh -c "$H run x true"');
    expect(code).toBe(75);
    expect(stderr).toMatch(
      /Could not lock "x": the "holdfast run" that holds it, pid \d+ .*, waits for this very command to end/,
    );
  });

  it('waits as usual for a wrapper that is no ancestor, whatever the variable says', async () => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['x']);
    const waiter = startHoldfast(directory, ['run', 'x', 'true'], {
      env: { HOLDFAST_ANCESTORS: String(holder.pid) },
    });
    await says(waiter, 'waiting for "x"');
    await new Promise((resolve) => setTimeout(resolve, quiescentMs));
    await holder.end();
    expect((await waiter.outcome).code).toBe(0);
  });

  it.each([
    ['removed', (path: string) => unlinkSync(path)],
    ['replaced', (path: string) => renameSync(path, `${path}.old`)],
  ])('ends with 76 when the lock file was %s meanwhile', async (_, disturb) => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['x']);
    disturb(join(directory, 'x'));
    const { code, stderr } = await holder.end();
    expect(code).toBe(76);
    expect(stderr).toContain('Could not keep "x": its record was removed or replaced while it was held');
  });

  it.each([
    [
      'a command that listens',
      'trap "echo TERM; exit 0" TERM; echo $$; while :; do sleep 0.05; done',
      ['TERM'],
    ],
    [
      'a command that does not, and its child',
      '(trap "" TERM; sleep 31) & trap "" TERM; echo $$; while :; do sleep 0.05; done',
      [],
    ],
  ])('ends %s when a lease is lost, and exits with 76', async (_, text, said) => {
    const directory = testDirectory();
    const running = startHoldfast(directory, [
      'run',
      '--lease',
      '1s',
      '--grace',
      '0.3',
      'lease:x',
      'bash',
      '-c',
      text,
    ]);
    const [pid = ''] = await running.child.line(/^\d+$/);
    const state = readdirSync(join(directory, 'x')).find((name) => name.startsWith('s.')) as string;
    const [, generation, leaseMs] = state.split('.');
    await eventually('the lease is revoked', () =>
      revoke(join(directory, 'x'), `s.${generation}.${leaseMs}.revoked`),
    );
    const { code, stdout, stderr } = await running.outcome;
    expect([code, stdout.split('\n').slice(1, -1)]).toEqual([76, said]);
    expect(stderr).toContain('Could not keep "lease:x"');
    expect(isGone(Number(pid))).toBe(true);
    expect(spawnSync('pgrep', ['-f', '^sleep 31$']).status).toBe(1);
  });

  it('takes another exit code for a loss', async () => {
    const directory = testDirectory();
    const { code } = await holdfast(directory, ['run', '--lost-exit-code', '5', 'x', 'rm', 'x']);
    expect(code).toBe(5);
  });

  it('locks an inherited descriptor for the shell', async () => {
    const directory = testDirectory();
    const text = `
      exec 9>nine 200>far
      $H run 9 && $H run -n 200 || exit 1
      flock -n nine true && exit 2
      flock -n far true && exit 3
      flock -u 9; exec 200>&-
      flock -n nine true || exit 4
      flock -n far true || exit 5`;
    const { code, stderr } = await script(directory, text);
    expect([code, stderr]).toEqual([0, '']);
    expect(readFileSync(join(directory, 'nine'), 'utf8')).toBe('');
  });

  it('waits for an inherited descriptor, and gives up', async () => {
    const directory = testDirectory();
    await startHolder(directory, ['x']);
    const { code, stderr } = await script(directory, '$H run -w 0.3 9 9>>x');
    expect(code).toBe(75);
    expect(stderr).toMatch(
      /Could not lock "descriptor 9" within timeout 300 ms \(--wait\): it is held by pid \d+/,
    );
  });

  it('guards a data file through its own lock file', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'data.json'), '{}');
    const { code } = await holdfast(directory, ['run', '--for', 'data.json', '--', 'cat', 'data.json']);
    expect([code, existsSync(join(directory, '.holdfast/locks/data.json.lock'))]).toEqual([0, true]);
    const short = await holdfast(directory, ['run', '--for', 'data.json', '-c', 'echo $HOLDFAST_LOCK']);
    expect(short.stdout).toBe(`${join(directory, '.holdfast/locks/data.json.lock')}\n`);
  });

  it('leaves nothing running when its waiter is killed', async () => {
    const directory = testDirectory();
    await startHolder(directory, ['x']);
    const waiter = startScript(directory, '$H run x echo never; echo $?');
    await says(waiter, 'waiting for "x"');
    process.kill(-waiter.pid, 'SIGKILL');
    expect((await waiter.outcome).stdout).toBe('');
  });
});
