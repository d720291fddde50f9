import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { CONFIG_NAME, findConfigFile } from '../../src/cli/config-file.js';
import { testDirectory } from '../support/directory.js';
import { script } from '../support/holdfast.js';

describe('an output that cannot be written', () => {
  it.each(['ls', 'ls --json', 'help', 'completion bash', 'show x', 'version'])(
    '%s: a full disk under stdout is exit 74 and one line',
    async (command) => {
      const { code, stderr } = await script(testDirectory(), `$H run x true; exec $H ${command} >/dev/full`);
      expect([code, stderr]).toEqual([
        74,
        expect.stringMatching(/^holdfast: Could not write to "stdout": .*ENOSPC.*\n$/),
      ]);
    },
  );

  it('a full disk under stderr changes no outcome', async () => {
    const directory = testDirectory();
    const outcomes = await script(
      directory,
      `exec 2>/dev/full
       $H ls; echo $?; $H show foo://x; echo $?; $H run -n x true; echo $?
       flock x $H run -n x true; echo $?; flock x $H show x >/dev/null; echo $?`,
    );
    expect(outcomes.stdout).toBe('0\n64\n0\n75\n0\n');
  });

  it('a reader that had enough is no error', async () => {
    const { stdout, stderr } = await script(testDirectory(), '$H help | true; echo ${PIPESTATUS[0]}');
    expect([stdout, stderr]).toEqual(['0\n', '']);
  });
});

describe('a working directory that was removed', () => {
  it('is needed for relative names only', async () => {
    const directory = testDirectory();
    const gone = join(directory, 'gone');
    mkdirSync(gone);
    const lock = join(directory, 'x');
    const text = `cd ${gone} && rmdir ${gone}
      $H run ${lock} echo ran; echo $?; $H test ${lock}; echo $?; $H show ${lock} >/dev/null; echo $?; $H wait ${lock}; echo $?
      $H clean --dry-run ${directory}; echo $?; $H ls ${directory} >/dev/null; echo $?`;
    const { stdout, stderr } = await script(directory, text);
    expect([stdout, stderr]).toEqual(['ran\n0\n0\n0\n0\n' + `${lock}\nwould remove 1 lock file\n0\n0\n`, '']);
    mkdirSync(gone);
    const relative = await script(
      directory,
      `cd ${gone} && rmdir ${gone}; $H run x true; echo $?; $H ls; echo $?`,
    );
    expect(relative.stdout).toBe('74\n74\n');
    expect(relative.stderr).toMatch(/^(holdfast: Could not read the working directory: .*\n){2}$/);
    rmSync(gone, { recursive: true, force: true });
  });
});

describe('holdfast.config.json', () => {
  it('counts when it is of this user or root, and not writable by all', () => {
    const directory = testDirectory();
    const below = join(directory, 'a', 'b');
    mkdirSync(below, { recursive: true });
    const path = join(directory, CONFIG_NAME);
    writeFileSync(path, '{"lockTimeout": "1ms"}');
    const find = (user?: number): string | undefined =>
      findConfigFile(below, { XDG_CONFIG_HOME: directory }, user);
    expect(find()).toBe(path);
    chmodSync(path, 0o666);
    expect(find()).toBe(undefined);
    chmodSync(path, 0o644);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(path, 12_345, 12_345);
    expect(find(isRoot ? 0 : 54_321)).toBe(undefined);
  });
});
