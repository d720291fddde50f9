// Runs the tests that need neither /proc nor a home: node scripts/bare.mjs [TEST...]. As root, on Linux. They see what a
// program sees on a Mac or in a bare container: an empty /proc, another boot's clock, no HOME and a uid without a name.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const uid = String(50_000 + Math.floor(Math.random() * 10_000));
const temporary = mkdtempSync(join(tmpdir(), 'holdfast-bare-'));
chmodSync(temporary, 0o777);
const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config',
  'test/bare/vitest.config.ts',
  '--configLoader',
  'runner',
];
const script =
  'mount -t tmpfs -o ro none /proc && exec setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"';
const { status, error } = spawnSync(
  'unshare',
  [
    ...['--mount', '--time', '--boottime', '1000000', '--fork', '--kill-child'],
    ...['bash', '-c', script, 'bash', uid],
    ...[process.execPath, ...vitest, ...process.argv.slice(2)],
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { PATH: process.env.PATH, TMPDIR: temporary, HOLDFAST_BARE: '1', CI: process.env.CI ?? '' },
  },
);
rmSync(temporary, { recursive: true, force: true });
if (error) throw error;
process.exit(status ?? 1);
