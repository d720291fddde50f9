import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { Consumer, tools } from './consumer.js';

const app = new Consumer('node20', afterAll);
beforeAll(async () => {
  await app.install(inject('tarball'));
  app.write('jest.config.cjs', 'module.exports = { testEnvironment: "node", transform: {} };\n');
});

const NAMES = ['acquire', 'inspect', 'tryAcquire', 'withLock'].join(', ');

/** Real time passes for a lock while the test's own is fake, and a lock that waited under fake timers is no worse for it. */
const BODY = (fakes: string): string => `
  test('locks', async () => {
    ${fakes}.useFakeTimers();
    expect(await withLock('x.lock', async () => (await tryAcquire('x.lock')) === undefined)).toBe(true);
    const held = await acquire('x.lock');
    await expect(acquire('x.lock', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'HOLDFAST_TIMEOUT' });
    await held.release();
    ${fakes}.useRealTimers();
    expect((await inspect('x.lock')).isHeld).toBe(false);
    expect(await withLock('x.lock', () => 'again')).toBe('again');
    expect(await withLock('lease:x.lease', () => 'leased')).toBe('leased');
  });`;

test.each(['jest29', 'jest30'])('%s, CommonJS', async (jest) => {
  app.write(`${jest}-cjs/lock.test.cjs`, `const { ${NAMES} } = require('holdfast');${BODY('jest')}`);

  const { code, stderr } = await app.node(
    ...[join(tools, jest, 'bin/jest.js'), '--testMatch', `**/${jest}-cjs/*.cjs`],
  );

  expect(code, stderr).toBe(0);
  expect(stderr).toContain('1 passed');
});

test.each(['jest29', 'jest30'])('%s, ES modules', async (jest) => {
  const globals = "import { jest } from '@jest/globals';";
  app.write(`${jest}-esm/lock.test.mjs`, `${globals}import { ${NAMES} } from 'holdfast';${BODY('jest')}`);

  const { code, stderr } = await app.node(
    ...['--experimental-vm-modules', join(tools, jest, 'bin/jest.js'), '--testMatch', `**/${jest}-esm/*.mjs`],
  );

  expect(code, stderr).toBe(0);
  expect(stderr).toContain('1 passed');
});

test.each(['vitest3', 'vitest4'])('%s, in processes, threads and vm contexts', async (vitest) => {
  const imports = `import { expect, test, vi } from 'vitest';import { ${NAMES} } from 'holdfast';`;
  app.write(`${vitest}/lock.test.mjs`, `${imports}${BODY('vi')}`);

  for (const pool of ['forks', 'threads', 'vmThreads', 'vmForks']) {
    const { code, stdout, stderr } = await app.node(
      ...[join(tools, vitest, 'vitest.mjs'), 'run', '--pool', pool, `${vitest}/`],
    );
    expect(code, `${pool}: ${stdout}${stderr}`).toBe(0);
  }
});
