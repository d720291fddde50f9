import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startHolder } from '../support/holdfast.js';
import { eventually } from '../support/processes.js';
import { openTerminal } from '../support/terminal.js';

let directory: string;
beforeEach(() => {
  directory = testDirectory();
});

describe('in a terminal', () => {
  it('Ctrl-C reaches the command once, and run waits for it', async () => {
    writeFileSync(
      join(directory, 'job'),
      'trap "echo INT >>log" INT; echo ready; for i in 1 2 3; do sleep 0.2; done; sleep 0.3; exit 4\n',
    );
    const terminal = await openTerminal(directory);
    terminal.type('$H run x bash job; echo "code=$?"');
    await terminal.shows(/^ready$/m);
    terminal.press('C-c');
    await terminal.shows(/code=4$/m);
    expect(readFileSync(join(directory, 'log'), 'utf8')).toBe('INT\n');
  });

  it('Ctrl-C ends a command that does not handle it: 130', async () => {
    const terminal = await openTerminal(directory);
    terminal.type('$H run x sleep 30; echo "code=$?"');
    await eventually(
      'the lock is held',
      () => spawnSync('flock', ['-n', join(directory, 'x'), 'true']).status === 1,
    );
    // The command must be there, not only its wrapper.
    await eventually('sleep runs', () => spawnSync('pgrep', ['-f', '^sleep 30$']).status === 0);
    terminal.press('C-c');
    await terminal.shows(/code=130$/m);
  });

  it('the command reads from the terminal', async () => {
    const terminal = await openTerminal(directory);
    terminal.type(`$H run x sh -c 'echo ask; read a </dev/tty; echo "got $a"'`);
    await terminal.shows(/^ask$/m);
    terminal.type('an answer');
    await terminal.shows(/^got an answer$/m);
  });

  it('job control works: Ctrl-Z stops the command, fg goes on', async () => {
    const terminal = await openTerminal(directory);
    terminal.type(`$H run x sh -c 'echo ready; read a; echo "got $a"'`);
    await terminal.shows(/^ready$/m);
    terminal.press('C-z');
    await terminal.shows(/Stopped/);
    terminal.type('fg');
    terminal.type('more');
    await terminal.shows(/^got more$/m);
  });
});

describe('the status line of a waiter', () => {
  it('names lock, holder, time, timeout and the way out, and is rewritten in place', async () => {
    const holder = await startHolder(directory, ['x']);
    const terminal = await openTerminal(directory, 140);
    terminal.type('clear; $H run -w 1m x echo inside');
    const line = new RegExp(
      `^Waiting for x (\\d) s, held by pid ${holder.pid} \\(sh\\) since \\d\\d:\\d\\d:\\d\\d; timeout 1 min \\(--wait\\); Ctrl-C to cancel$`,
      'm',
    );
    expect(await terminal.shows(line)).toMatch(line);
    const later = await terminal.shows(/Waiting for x [2-9] s/);
    expect(later.match(/Waiting for x/g)).toHaveLength(1);
    await holder.end();
    const screen = await terminal.shows(/^inside\n\$$/m);
    expect(screen).toMatch(/^holdfast: got "x" after \d+(\.\d)? s\ninside\n\$$/m);
    expect(screen).not.toContain('Waiting');
  });

  it('fits a narrow terminal', async () => {
    const holder = await startHolder(directory, ['x']);
    const terminal = await openTerminal(directory, 48);
    terminal.type('clear; $H run x true');
    const screen = await terminal.shows(/Waiting for x [2-9] s/);
    const lines = screen.split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^Waiting for x \\d s, held by pid ${holder.pid} .*…$`));
  });

  it('goes at Ctrl-C, which cancels with 130, also when it fills the line to the brim', async () => {
    await startHolder(directory, ['x']);
    const terminal = await openTerminal(directory, 60);
    terminal.type('clear; $H run x echo never; echo "code=$?"');
    await terminal.shows(/Waiting for x \d/);
    terminal.press('C-c');
    const screen = await terminal.shows(/^code=130$/m);
    expect(screen.replaceAll('\n', '')).toMatch(
      /holdfast: Could not lock "x": canceled by SIGINT after [\d.]+ m?s\. Nothing was run\.code=130/,
    );
    expect(screen).not.toContain('Waiting');
  });

  it('at Ctrl-C ends, again and again', async () => {
    await startHolder(directory, ['x']);
    const terminal = await openTerminal(directory);
    for (let round = 0; round < 3; round++) {
      terminal.type('clear; $H run x true; echo "code=$?"');
      await terminal.shows(/Waiting for x/);
      terminal.press('C-c');
      await terminal.shows(/^code=130$/m);
    }
  });

  it('is plain lines in CI', async () => {
    await startHolder(directory, ['x']);
    const terminal = await openTerminal(directory, 160);
    terminal.type('clear; CI=true $H run -w 1.5 x true; echo "code=$?"');
    const screen = await terminal.shows(/^code=75$/m);
    expect(screen).toMatch(/^holdfast: waiting for "x", held by/m);
    expect(screen).not.toContain('Waiting');
  });
});
