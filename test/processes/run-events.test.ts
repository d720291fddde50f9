import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast, script } from '../support/holdfast.js';

const NOBODY = 65_534;

function eventsIn(path: string): string[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const { format, event } = JSON.parse(line) as { format: number; event: string };
    return `${format} ${event}`;
  });
}

const STORY = ['1 acquired', '1 started', '1 ended'];

describe('run --events FILE', () => {
  it('appends to a file of another user in a sticky directory', async () => {
    const directory = testDirectory();
    const sticky = join(directory, 'sticky');
    mkdirSync(sticky);
    chmodSync(sticky, 0o1777);
    const log = join(sticky, 'log');
    writeFileSync(log, '');
    chmodSync(log, 0o666);
    chownSync(log, NOBODY, NOBODY);
    const { code, stderr } = await holdfast(directory, ['run', '--events', 'sticky/log', 'x', 'true']);
    expect([code, stderr, eventsIn(log)]).toEqual([0, '', STORY]);
  });

  it('opens a file that is there without O_CREAT, which fs.protected_regular would refuse', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'log'), '');
    await script(directory, 'strace -f -o calls -e trace=openat $H run --events log x true');
    const opened = readFileSync(join(directory, 'calls'), 'utf8').match(/"log", [A-Z_|]+/g);
    expect(opened).toEqual([expect.not.stringContaining('O_CREAT')]);
  });

  it('creates the file that a dangling link names', async () => {
    const directory = testDirectory();
    symlinkSync('target', join(directory, 'log'));
    expect((await holdfast(directory, ['run', '--events', 'log', 'x', 'true'])).code).toBe(0);
    expect(eventsIn(join(directory, 'target'))).toEqual(STORY);
  });

  it('writes to a FIFO that is read, and does not wait for a reader', async () => {
    const text =
      'mkfifo fifo; $H run --events >(cat >copy) x true; echo $?; $H run --events fifo x true; echo $?';
    const { stdout, stderr } = await script(testDirectory(), text);
    expect(stdout).toBe('0\n0\n');
    expect(stderr).toMatch(
      /^holdfast: Could not write events to "fifo": no process reads it.*\(ENXIO\).* runs without them\.\n$/,
    );
  });

  it.each(['no/such/log', '.', 'x/log', 'a'.repeat(300)])(
    'a file that cannot be opened changes no outcome: %s',
    async (log) => {
      const { code, stderr } = await holdfast(testDirectory(), [
        'run',
        '--events',
        log,
        'x',
        'sh',
        '-c',
        'exit 7',
      ]);
      expect(code).toBe(7);
      expect(stderr).toMatch(/^holdfast: Could not write events to .*\. The command runs without them\.\n$/);
    },
  );

  it.each(['--events /dev/full', '--events 9 9>/dev/full'])('%s changes no outcome', async (events) => {
    const { stdout, stderr } = await script(testDirectory(), `$H run ${events} x sh -c "exit 7"; echo $?`);
    expect([stdout, stderr]).toEqual(['7\n', '']);
  });
});
