import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

import { tools } from './consumer.js';
import { emulatedConsumer, shell } from './emulated.js';

/**
 * Under wine. It has LockFileEx and kills as Windows does; what it cannot show: sharing violations on rename (its own are
 * only indicative), virus scanners, and network drives.
 */
const prefix = mkdtempSync(join(tmpdir(), 'holdfast-wine-'));
const wine = `env WINEPREFIX='${prefix}' WINEDEBUG=-all NODE_SKIP_PLATFORM_CHECK=1 /usr/lib/wine/wine64`;
const exe = `'${join(tools, 'node20-win/bin/node.exe')}'`;
const node = `${wine} ${exe}`;
const script = 'node_modules/holdfast/dist/bin/holdfast.cjs';

afterAll(() => {
  // It stays for some seconds after the last program, and writes its registry there when it goes.
  spawnSync('/usr/lib/wine/wineserver64', ['-k', '-w'], { env: { ...process.env, WINEPREFIX: prefix } });
  rmSync(prefix, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
});

test('Windows, under wine: the addon of the tarball locks, and run is a good parent', async () => {
  const consumer = await emulatedConsumer();
  expect((await shell(consumer, `${wine} winecfg -v win10`)).code).toBe(0);

  expect(await shell(consumer, `${node} basic.mjs`)).toEqual({
    code: 0,
    stdout: 'win32 x64 true true 3\n',
    stderr: '',
  });
  const child = `-e "console.log('ran'); process.exitCode = 3"`;
  expect(await shell(consumer, `${node} ${script} run r.lock -- ${exe} ${child}`)).toEqual({
    code: 3,
    stdout: 'ran\n',
    stderr: '',
  });
  const conflict = `${node} ${script} run r.lock -- ${exe} ${script} run -n r.lock -- nothing`;
  expect((await shell(consumer, conflict)).code).toBe(75);
  expect((await shell(consumer, `${node} ${script} doctor`)).code).toBe(0);
});
