import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { revokesRenewedLeases } from '../../../src/backends/etcd/version.js';
import { startCli } from '../../support/cli.js';
import { testDirectory } from '../../support/directory.js';
import { startEtcd, startRedis, type EtcdCluster } from '../../support/engines.js';

let cluster: EtcdCluster;
beforeAll(async () => {
  cluster = await startEtcd(1);
});
afterAll(() => cluster.stop());

test.each([
  ['3.3.27', true],
  ['3.4.23', true],
  ['3.4.30', true],
  ['3.4.31', false],
  ['3.5.12', true],
  ['3.5.13-rc.0', false],
  ['3.6.0', false],
  ['4.0.0', false],
  ['', false],
])('a leader of version %s revokes leases that were renewed elsewhere: %s', (version, isSo) => {
  expect(revokesRenewedLeases(version)).toBe(isSo);
});

const installed = /etcd Version: (\S+)/.exec(execFileSync('etcd', ['--version']).toString())?.[1] as string;
const isOld = revokesRenewedLeases(installed);

async function output(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const cli = startCli(testDirectory(), args);
  let [stdout, stderr] = ['', ''];
  cli.process.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  cli.process.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const { code } = await cli.ended;
  return { code, stdout, stderr };
}

test('doctor names the weakness of the version that runs, and verify judges by it', async () => {
  const doctor = await output('doctor', '--json', cluster.url);
  expect(doctor.code).toBe(0);
  expect(doctor.stdout.includes('15247')).toBe(isOld);
  const verified = await output('verify', '--json', cluster.url);
  expect(verified.code).toBe(isOld ? 78 : 0);
  expect((JSON.parse(verified.stdout) as { data: object }).data).toMatchObject({
    backend: 'etcd',
    isSafe: !isOld,
    address: cluster.url,
  });
  const printed = await output('verify', cluster.url);
  expect(printed.stdout.includes('Use 3.4.31, 3.5.13 or newer')).toBe(isOld);
});

test('verify has nothing against a server that is fit', async () => {
  await using redis = await startRedis();
  expect(await output('verify', redis.url)).toMatchObject({ code: 0, stderr: '' });
});

test('the library warns once per process; run says nothing', async () => {
  const index = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));
  const script = `import { withLock } from ${JSON.stringify(index)};
    let count = 0;
    process.on('warning', ({ code, name }) => { if (code === 'HOLDFAST_WEAK_SERVER' && name === 'HoldfastWarning') count++; });
    for (const name of ['a', 'b']) await withLock(\`${cluster.url}#\${name}\`, async () => undefined);
    await withLock(\`${cluster.url}/other#c\`, async () => undefined);
    setTimeout(() => console.log(count), 500);`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' });
  expect(printed.toString()).toBe(isOld ? '1\n' : '0\n');
  expect(await output('run', `${cluster.url}#run`, '--', 'true')).toMatchObject({ code: 0, stderr: '' });
});
