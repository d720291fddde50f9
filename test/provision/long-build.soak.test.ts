import { join } from 'node:path';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import {
  cleanEnvironment,
  countOf,
  MAKE_ONE,
  repository,
  scriptRecipe,
  startHoldfast,
  writeRecipe,
} from './fixture.js';

test('a build of 90 s: with the default timeout a waiter succeeds, and shows whom it waits for', async () => {
  const directory = testDirectory();
  const env = cleanEnvironment(directory);
  const counter = join(directory, 'counter');
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
  const recipe = writeRecipe(directory, scriptRecipe(remote, counter, `sleep 90; ${MAKE_ONE}`));
  const args = ['setup', recipe, '--dir', join(directory, 'opt', 'script')];
  const first = startHoldfast(args, env);
  await first.says(/building \(make\)/);
  const second = startHoldfast(args, env);
  const [built, waited] = await Promise.all([first.finished, second.finished]);

  expect([built.code, waited.code]).toEqual([0, 0]);
  expect(waited.stdout).toBe(built.stdout);
  expect(countOf(counter)).toBe(1);
  expect(waited.stderr).toMatch(
    new RegExp(`waiting for "script", held by pid ${first.pid} .*timeout 10 min \\(default\\)`),
  );
  expect(waited.stderr).toMatch(/still waiting for "script" after 30 s/);
  expect(waited.stderr).toMatch(/got "script" after 1 min \d+ s/);
  expect(built.stderr).toMatch(/building \(make\), still running after 1 min/);
});
