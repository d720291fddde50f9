import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startPostgres, type PostgresServer } from '../support/engines.js';
import { HOLDFAST, startHoldfast } from '../support/holdfast.js';
import { eventually, start } from '../support/processes.js';
import { openTerminal, type Terminal } from '../support/terminal.js';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
  return () => postgres[Symbol.asyncDispose]();
});

interface Scene {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly leasePid: number;
  readonly foreignPid: number;
}

/** Three locks with twelve waiters, a deadlock of three, a lease that is not renewed, flock(1), a hold in Postgres. */
async function plant(): Promise<Scene> {
  const directory = testDirectory();
  const env = { XDG_RUNTIME_DIR: directory };
  const run = (...words: string[]): number => startHoldfast(directory, ['run', ...words], { env }).pid;
  const address = `${postgres.url}#migrate ${basename(directory)}`;
  for (const lock of ['build.lock', address]) run(lock, 'sleep', '600');
  const leasePid = run('--lease', '60s', 'lease:deploy', 'sleep', '600');
  const foreign = start('flock', ['foreign.lock', 'sh', '-c', 'echo held; sleep 600'], { cwd: directory });
  await foreign.line(/^held$/);
  const cycle = ['a', 'b', 'c'].map((lock, index) => {
    const next = 'bca'[index];
    const script = `echo held; while ! test -e go; do sleep 0.05; done; exec flock ${next}.lock true`;
    return start('flock', [`${lock}.lock`, 'sh', '-c', script], { cwd: directory });
  });
  await Promise.all(cycle.map((one) => one.line(/^held$/)));
  start('touch', ['go'], { cwd: directory });
  await seen(
    directory,
    env,
    (text) => text.includes('"lease:') && text.includes('#migrate') && text.includes('build.lock'),
  );
  for (let waiter = 0; waiter < 5; waiter++) run('build.lock', 'true');
  for (let waiter = 0; waiter < 4; waiter++) run('lease:deploy', 'true');
  for (let waiter = 0; waiter < 2; waiter++) run('foreign.lock', 'true');
  start('flock', ['foreign.lock', 'true'], { cwd: directory });
  await seen(directory, env, (text) => {
    const { data } = JSON.parse(text) as {
      data: { locks: { address: string; waiters: { sinceAt?: string }[] }[] };
    };
    const own = data.locks.filter((lock) => lock.address.includes(directory));
    const waiters = own.flatMap((lock) => lock.waiters);
    return waiters.length === 15 && waiters.filter(({ sinceAt }) => sinceAt !== undefined).length === 11;
  });
  return { directory, env, leasePid, foreignPid: foreign.pid };
}

async function seen(
  directory: string,
  env: NodeJS.ProcessEnv,
  isThere: (json: string) => boolean,
): Promise<void> {
  await eventually('the scene is there', async () => {
    const { stdout } = await startHoldfast(directory, ['top', '--once', '--json'], { env }).outcome;
    return isThere(stdout);
  });
}

async function openTop({ directory }: Scene, columns: number, prefix = ''): Promise<Terminal> {
  const terminal = await openTerminal(directory, columns);
  terminal.type(`export XDG_RUNTIME_DIR=${directory}; stty -g > before; clear; echo kept`);
  await terminal.shows(/^kept$/m);
  terminal.type(`${prefix}$H top; echo "code=$?"`);
  await terminal.shows(/Enter tree/);
  // Other tests have locks too.
  terminal.press('/');
  terminal.type(basename(directory));
  await terminal.shows(/> build\.lock/);
  return terminal;
}

/** The screen and the modes of the terminal are those of before. */
async function expectRestored(terminal: Terminal, directory: string): Promise<void> {
  await eventually('the screen is the old one', () => terminal.modes() === 'alternate=0 cursor=1 wrap=1');
  expect(terminal.screen()).toMatch(/^kept$/m);
  terminal.type('stty -g > after; echo "restored=$?"');
  await terminal.shows(/^restored=0$/m);
  // The shell's own line editor sets the same before each command.
  expect(readFileSync(join(directory, 'after'), 'utf8')).toBe(
    readFileSync(join(directory, 'before'), 'utf8'),
  );
}

/** The pid of the full-screen program, which waits in the terminal. */
function pidOfTop(directory: string): Promise<number> {
  return eventually('top runs', () => {
    const { stdout } = spawnSync('pgrep', ['-f', `^${process.execPath} ${HOLDFAST} top$`], {
      encoding: 'utf8',
    });
    return stdout
      .trim()
      .split('\n')
      .map(Number)
      .find((pid) => cwdOf(pid) === directory);
  });
}

function cwdOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

const RED = /\u001b\[[\d;]*31m/;

describe('top', () => {
  test('shows a planted scene at 120 and at 40 columns, and the cycle in red', async () => {
    const scene = await plant();
    const terminal = await openTop(scene, 120);
    const row = (name: string): RegExp => new RegExp(`^[> ] ${name}\\s.*$`, 'm');
    const screen = await terminal.shows(/c\.lock/);
    expect(row('build\\.lock').exec(screen)?.[0]).toMatch(/\d+ sleep\s+5\s+\d+/);
    expect(row('lease:\\S+/deploy').exec(screen) ?? row('…\\S*deploy').exec(screen)).not.toBeNull();
    expect(screen).toMatch(/deploy\s+\d+ sleep\s+4\s+\S+\s+\S+\s+\S+\s+\d{16}/);
    expect(row('foreign\\.lock').exec(screen)?.[0]).toMatch(
      new RegExp(`${scene.foreignPid} flock \\(other program\\)\\s+3\\s`),
    );
    expect(screen).toMatch(/#migrate \S+\s+\d+ sleep\s/);
    expect(screen).toMatch(/Deadlock: \d+ \(flock\) waits for/);
    // The locks that cause the most waiting come first.
    expect(screen.indexOf('build.lock')).toBeLessThan(screen.indexOf('foreign.lock'));
    const styled = terminal.styledScreen().split('\n');
    for (const name of ['Deadlock:', 'a.lock ', 'b.lock ', 'c.lock ']) {
      const at = styled.findIndex((line) => line.includes(name));
      // tmux repeats a style only where it changes.
      const isRed = styled.slice(0, at + 1).findLastIndex((line) => /\u001b\[/.test(line));
      expect(styled[isRed], `${name} is red`).toMatch(RED);
    }
    terminal.resize(40);
    const narrow = await terminal.shows(/^\d+ locks \d+ held \d+ waiting/m);
    for (const line of narrow.split('\n')) expect(line.length).toBeLessThanOrEqual(40);
    expect(narrow).toMatch(/^> build\.lock\s+\d+ s\S+\s+5\s/m);
    expect(narrow).toMatch(/^ {2}c\.lock/m);
    terminal.press('/');
    for (let key = 0; key < 40; key++) terminal.press('BSpace');
    terminal.type(`${basename(scene.directory)}/a.lock`);
    await terminal.shows(/> a\.lock/);
    terminal.press('Enter');
    await terminal.shows(/:\s+a\s+deadlock,/);
    terminal.press('Escape');
    terminal.press('b');
    await terminal.shows(/kill \d+/);
    terminal.press('q');
    await terminal.shows(/^code=0$/m);
    await expectRestored(terminal, scene.directory);
  });

  test('leaves the terminal as it was: Ctrl-C, kill -9, stopped and continued; without colours', async () => {
    const directory = testDirectory();
    const holder = startHoldfast(directory, ['run', 'build.lock', 'sh', '-c', 'echo held; sleep 600']);
    await holder.child.line(/^held$/);
    const scene = { directory, env: {}, leasePid: 0, foreignPid: 0 };

    const terminal = await openTop(scene, 100, 'NO_COLOR=1 ');
    expect(terminal.modes()).toBe('alternate=1 cursor=0 wrap=0');
    expect(terminal.styledScreen()).not.toContain('\u001b[');
    terminal.press('C-c');
    await terminal.shows(/^code=130$/m);
    await expectRestored(terminal, directory);

    terminal.type('clear; echo kept; $H top; code=$?');
    await terminal.shows(/Enter tree/);
    process.kill(await pidOfTop(directory), 'SIGKILL');
    // Until then what the shell prints goes to the other screen, and with it.
    await eventually('the screen is the old one', () => terminal.modes() === 'alternate=0 cursor=1 wrap=1');
    terminal.type('echo "killed=$code"');
    await terminal.shows(/^killed=137$/m);
    await expectRestored(terminal, directory);

    terminal.type('clear; echo kept; $H top');
    await terminal.shows(/Enter tree/);
    terminal.press('C-z');
    await terminal.shows(/Stopped/);
    await expectRestored(terminal, directory);
    terminal.type('fg');
    await terminal.shows(/Enter tree/);
    const pid = await pidOfTop(directory);
    process.kill(pid, 'SIGTSTP');
    await terminal.shows(/Stopped/);
    terminal.type('fg');
    await terminal.shows(/Enter tree/);
    expect(terminal.modes()).toBe('alternate=1 cursor=0 wrap=0');
    process.kill(pid, 'SIGTERM');
    await eventually('the screen is the old one', () => terminal.modes() === 'alternate=0 cursor=1 wrap=1');
  });
});
