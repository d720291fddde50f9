import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast, says, script, startHolder, startHoldfast, startScript } from '../support/holdfast.js';
import { eventually } from '../support/processes.js';
import { sleepsOf } from '../support/wakes.js';
import { raceIncrements } from './run-increments.js';

describe('run and flock(1) on one file', () => {
  it.each([
    ['-x', '-x', false],
    ['-x', '-s', false],
    ['-s', '-x', false],
    ['-s', '-s', true],
  ])('run %s beside flock %s: together %s', async (ours, theirs, isTogether) => {
    const directory = testDirectory();
    await startHolder(directory, [ours, 'x']);
    const { code } = await script(directory, `flock ${theirs} -n x true`);
    expect(code).toBe(isTogether ? 0 : 1);
  });

  it.each([
    ['-x', '-x', false],
    ['-x', '-s', false],
    ['-s', '-x', false],
    ['-s', '-s', true],
  ])('flock %s beside run %s: together %s', async (theirs, ours, isTogether) => {
    const directory = testDirectory();
    const other = startScript(directory, `flock ${theirs} x sh -c "echo inside; sleep 30"`);
    await other.child.line(/^inside$/);
    const { code } = await holdfast(directory, ['run', ours, '-n', 'x', 'true']);
    expect(code).toBe(isTogether ? 0 : 75);
  });

  it('names a holder that came by flock(1)', async () => {
    const directory = testDirectory();
    const other = startScript(directory, 'exec flock x sh -c "echo inside; sleep 30"');
    await other.child.line(/^inside$/);
    const { stderr } = await holdfast(directory, ['run', '-n', 'x', 'true']);
    expect(stderr).toContain(`pid ${other.pid} (flock)`);
  });
});

function fingerprint(path: string): string {
  const { ino, mtimeMs, size } = statSync(path);
  const bytes = createHash('sha256').update(readFileSync(path)).digest('hex');
  return JSON.stringify({ ino, mtimeMs, size, bytes });
}

describe('run on what is not ours', () => {
  it.each([
    ['a file with content', 'notes.txt', 'keep me\n', 0o644],
    ['a script', 'tool.sh', '#!/bin/sh\necho hello\n', 0o755],
    ['a read-only file', 'readonly', 'fixed\n', 0o444],
    ['a file that only looks like ours', 'digits', '4711 holdfish/1\n', 0o644],
  ])('locks %s and changes not a byte of it', async (_, name, content, mode) => {
    const directory = testDirectory();
    const path = join(directory, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    const before = fingerprint(path);
    const holder = await startHolder(directory, [name]);
    expect((await script(directory, `flock -n ${name} true`)).code).toBe(1);
    await holder.end();
    await holdfast(directory, ['clean']);
    expect(fingerprint(path)).toBe(before);
  });

  it('locks a read-only file as another user', async () => {
    const directory = testDirectory();
    chmodSync(directory, 0o755);
    writeFileSync(join(directory, 'x'), 'fixed\n', { mode: 0o444 });
    const asNobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const { code, stdout } = await script(directory, `${asNobody} $H run x sh -c 'flock -n x true; echo $?'`);
    expect([code, stdout]).toEqual([0, '1\n']);
  });

  it('locks a directory and puts nothing into it', async () => {
    const directory = testDirectory();
    mkdirSync(join(directory, 'd'));
    const holder = await startHolder(directory, ['d']);
    expect((await script(directory, 'flock -n d true')).code).toBe(1);
    expect((await holder.end()).code).toBe(0);
    expect(readdirSync(join(directory, 'd'))).toEqual([]);
  });

  it('clean removes our unheld files and nothing else', async () => {
    const directory = testDirectory();
    const foreign = {
      'yarn.lock': '# yarn lockfile v1\n',
      'Cargo.lock': '[[package]]\n',
      'empty.lock': '',
      '12': '12 of them\n',
    };
    for (const [name, text] of Object.entries(foreign)) writeFileSync(join(directory, name), text);
    await holdfast(directory, ['run', 'ours.lock', 'true']);
    await holdfast(directory, ['run', '--for', 'data', 'true']);
    const holder = await startHolder(directory, ['held.lock']);
    const dry = await holdfast(directory, ['clean', '--dry-run']);
    expect(dry.stdout).toBe('ours.lock\n.holdfast/locks/data.lock\nwould remove 2 lock files\n');
    const { code, stdout, stderr } = await holdfast(directory, ['clean']);
    expect([code, stdout, stderr]).toEqual([0, 'removed 2 lock files\n', 'holdfast: kept held.lock: held\n']);
    expect(readdirSync(directory).sort()).toEqual([...Object.keys(foreign), 'held.lock'].sort());
    expect((await holder.end()).code).toBe(0);
  });
});

it('8 x 12 increments through run are exactly 96 while clean loops beside them', () => raceIncrements(12));

it('a waiter sleeps in the kernel', async () => {
  const directory = testDirectory();
  await startHolder(directory, ['x']);
  const waiter = startHoldfast(directory, ['run', 'x', 'true']);
  const { ino } = statSync(join(directory, 'x'));
  const line = new RegExp(`-> FLOCK .* WRITE ${waiter.pid} .*:${ino} `);
  await eventually('the kernel has it as a waiter', () => line.test(readFileSync('/proc/locks', 'latin1')));
  await says(waiter, 'waiting');
  // The search for a deadlock has looked twice by then.
  await delay(1_000);
  const before = sleepsOf(waiter.pid);
  await delay(3_500);
  expect(sleepsOf(waiter.pid) - before).toBeLessThan(100);
});

describe('run opens what is not ours for reading only', () => {
  it.each([
    ['exclusive', '-x'],
    ['shared', '-s'],
  ])('%s, as strace sees it', async (_, mode) => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'foreign'), 'keep me\n');
    await script(
      directory,
      `strace -f -e trace=open,openat,creat,write,pwrite64,ftruncate -o calls $H run ${mode} foreign true`,
    );
    const opens = readFileSync(join(directory, 'calls'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('/foreign"'));
    expect(opens).toHaveLength(1);
    expect(opens[0]).toMatch(/O_RDONLY\|O_CREAT/);
  });

  it('a program that is locked can be started, also while a writer waits for it', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'tool'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
    await startHolder(directory, ['-s', 'tool']);
    const waiter = startHoldfast(directory, ['run', 'tool', 'true']);
    await says(waiter, 'waiting');
    expect(await script(directory, './tool')).toMatchObject({ code: 0, stdout: 'ran\n' });
  });

  it('the line by which a script locks itself works as with flock(1)', async () => {
    const directory = testDirectory();
    const line = '[ "$FLOCKER" != "$0" ] && exec env FLOCKER="$0" $H run -en "$0" "$0" "$@" || :';
    writeFileSync(join(directory, 'self'), `#!/bin/sh\n${line}\necho "working $1"\n`, { mode: 0o755 });
    expect(await script(directory, './self once')).toMatchObject({ code: 0, stdout: 'working once\n' });
  });
});
