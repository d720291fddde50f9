import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';

import { configDirectory, homeDirectory, stateDirectory } from '../../src/platform/user-directories.js';
import { start } from '../support/processes.js';
import { testDirectory } from '../support/directory.js';
import { HOLDFAST } from '../support/holdfast.js';

test('the variables of the user come first, and a relative one is ignored', () => {
  expect(stateDirectory({ XDG_STATE_HOME: '/s', HOME: '/h' })).toBe('/s/holdfast');
  expect(stateDirectory({ XDG_STATE_HOME: 's', HOME: '/h' })).toBe('/h/.local/state/holdfast');
  expect(configDirectory({ HOME: '/h' })).toBe('/h/.config/holdfast');
  expect(homeDirectory({ HOME: '' })).toMatch(/^\//);
});

const NOBODY = ['--reuid', '54321', '--regid', '54321', '--clear-groups'];

test.each([
  ['a kernel lock', 'x.lock'],
  ['a lease', 'lease:x'],
])('a user without a passwd entry and HOME runs a command under %s', async (_, address) => {
  const directory = testDirectory();
  chmodSync(directory, 0o777);
  const words = [...NOBODY, process.execPath, HOLDFAST, 'run', address, 'echo', 'ran'];
  const child = start('setpriv', words, { cwd: directory, env: { PATH: process.env['PATH'] } });
  const { code, stdout } = await child.exited;
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'ran\n' });
});
