import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { Consumer, tools } from './consumer.js';

const alias = fileURLToPath(new URL('../../packages/proper-lockfile', import.meta.url));
const app = new Consumer('node22', afterAll);

beforeAll(async () => {
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', app.directory, alias], {
    encoding: 'utf8',
  });
  const holdfast = `file:${inject('tarball')}`;
  const dependencies = {
    holdfast,
    'ipfs-repo': '17.0.0',
    'gatsby-core-utils': '4.16.0',
    '@salesforce/core': '8.32.6',
  };
  const overrides = { holdfast, 'proper-lockfile': `file:${join(app.directory, packed.trim())}` };
  app.write('package.json', JSON.stringify({ private: true, dependencies, overrides }));
  await app.install();
});

/** What a program prints, as JSON. */
async function printed(name: string, source: string): Promise<unknown> {
  app.write(name, source);
  const { code, stdout, stderr } = await app.runWith(
    { CI: '', XDG_CONFIG_HOME: app.directory },
    join(tools, 'node22/bin/node'),
    name,
  );
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as unknown;
}

test('the override reaches each dependent', async () => {
  const names = await printed(
    'names.cjs',
    `const { createRequire } = require('node:module');
     const from = ['ipfs-repo', 'gatsby-core-utils', '@salesforce/core'].map((name) => createRequire(
       require('node:path').join(__dirname, 'node_modules', name, 'package.json')));
     console.log(JSON.stringify(from.map((need) => need('proper-lockfile/package.json').name)));`,
  );
  expect(names).toEqual(Array(3).fill('holdfast-proper-lockfile'));
});

test('ipfs-repo: locks its repository, once', async () => {
  const found = await printed(
    'ipfs.mjs',
    `import { mkdirSync } from 'node:fs';
     import { FSLock } from './node_modules/ipfs-repo/src/locks/fs.js';
     mkdirSync('repo');
     const before = await FSLock.locked('repo');
     const held = await FSLock.lock('repo');
     const during = await FSLock.locked('repo');
     const second = await FSLock.lock('repo').catch((error) => error.code ?? error.name);
     await held.close();
     console.log(JSON.stringify([before, during, second, await FSLock.locked('repo')]));`,
  );
  expect(found).toEqual([false, true, 'ERR_LOCK_EXISTS', false]);
});

test('gatsby-core-utils: finds the service that runs', async () => {
  const found = await printed(
    'gatsby.cjs',
    `const { createServiceLock, getService } = require('./node_modules/gatsby-core-utils/dist/service-lock.js');
     (async () => {
       const unlock = await createServiceLock('/site', 'developserver', { port: 8000 });
       const service = await getService('/site', 'developserver');
       const second = await createServiceLock('/site', 'developserver', { port: 8001 });
       await unlock();
       console.log(JSON.stringify([service, second, await getService('/site', 'developserver')]));
     })();`,
  );
  expect(found).toEqual([{ port: 8000 }, null, null]);
});

test('@salesforce/core: writes under its lock, and waits for another', async () => {
  const found = await printed(
    'salesforce.cjs',
    `const { lockInit, lockInitSync } = require('./node_modules/@salesforce/core/lib/util/fileLocking.js');
     const { readFileSync } = require('node:fs');
     const content = () => readFileSync('auth.json', 'utf8');
     (async () => {
       const first = await lockInit('auth.json');
       let isHeld = false;
       const second = lockInit('auth.json').then((held) => ((isHeld = true), held));
       await new Promise((resolve) => setTimeout(resolve, 200));
       const wasHeld = isHeld;
       await first.writeAndUnlock('one');
       const { writeAndUnlock } = await second;
       const one = content();
       await writeAndUnlock('two');
       const two = content();
       lockInitSync('auth.json').writeAndUnlock('three');
       console.log(JSON.stringify([wasHeld, one, two, content()]));
     })();`,
  );
  expect(found).toEqual([false, 'one', 'two', 'three']);
});
