import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { start } from '../support/processes.js';
import { hangMs } from '../support/time.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = fileURLToPath(new URL('sanitized.mjs', import.meta.url));
const PLATFORM = `${process.platform}-${process.arch}`;
/** Of a report: nothing else ends so. */
const REPORTED = 99;
const REPORT = /runtime error|AddressSanitizer/;

let copy: string;

/** The package with an addon and a supervisor that check each address and each arithmetic. */
function build(directory: string): void {
  for (const name of ['dist', 'native', 'package.json'])
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  execFileSync(process.execPath, [join(directory, 'native/build.mjs'), '--sanitize', '--force'], {
    stdio: 'inherit',
  });
}

function environment(reports: string, preload: boolean): NodeJS.ProcessEnv {
  const common = `exitcode=${REPORTED}:log_path=${join(reports, 'report')}`;
  const library = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
  return {
    ...process.env,
    // What V8 keeps until the end is no leak of ours.
    ASAN_OPTIONS: `${common}:detect_leaks=0:detect_stack_use_after_return=1`,
    UBSAN_OPTIONS: `${common}:print_stacktrace=1`,
    ...(preload && { LD_PRELOAD: library }),
  };
}

beforeAll(() => {
  copy = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-sanitized-'));
  build(copy);
}, 20 * hangMs);
afterAll(() => rmSync(copy, { recursive: true, force: true }));

test('every function of the addon under ASan and UBSan', { timeout: 4 * hangMs }, () => {
  const [reports, place] = ['reports', 'place'].map((name) => join(copy, name)) as [string, string];
  for (const directory of [reports, place]) mkdirSync(directory);
  const addon = join(copy, 'prebuilds', PLATFORM, 'holdfast.node');

  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', SCRIPT, addon, place], {
    env: environment(reports, true),
    encoding: 'utf8',
  });

  expect({ status, stderr, reports: readdirSync(reports) }).toEqual({ status: 0, stderr: '', reports: [] });
  const { used, all } = JSON.parse(stdout) as { used: string[]; all: string[] };
  expect(used).toEqual(all);
});

test('the supervisor of `run` under ASan and UBSan', { timeout: 10 * hangMs }, async () => {
  const reports = join(copy, 'reports-of-run');
  mkdirSync(reports);
  const env = environment(reports, false);
  const holdfast = join(copy, 'dist/bin/holdfast.cjs');
  const place = join(copy, 'run');
  mkdirSync(place);
  let printed = '';
  const run = (...words: string[]): ReturnType<typeof start> => {
    const child = start(process.execPath, [holdfast, 'run', ...words], { cwd: place, env, stdio: 'pipe' });
    child.process.stderr?.setEncoding('utf8').on('data', (text: string) => (printed += text));
    return child;
  };
  // The addon itself has no checks here: without LD_PRELOAD node could not load it.
  cpSync(
    join(ROOT, 'prebuilds', PLATFORM, 'holdfast.node'),
    join(copy, 'prebuilds', PLATFORM, 'holdfast.node'),
  );

  expect((await run('lease:x', '--', 'sh', '-c', 'exit 3').exited).code).toBe(3);
  expect((await run('lease:x', '--', '/no/such').exited).code).toBe(127);
  expect((await run('lease:x', '--', 'sh', '-c', 'kill -9 $$').exited).code).toBe(137);
  const many = Array.from({ length: 3_000 }, (_, n) => `word ${n}`);
  expect((await run('lease:x', '--', 'true', ...many).exited).code).toBe(0);
  const tree = 'for i in 1 2 3; do (sleep 60 & sleep 60) & done; echo in; wait';
  const ended = run('--grace', '200ms', 'lease:x', '--', 'sh', '-c', `trap '' TERM; ${tree}`);
  await ended.line(/^in$/);
  ended.process.kill('SIGTERM');
  expect((await ended.exited).code).not.toBe(REPORTED);
  const killed = run('--grace', '200ms', 'lease:y', '--', 'sh', '-c', tree);
  await killed.line(/^in$/);
  killed.process.kill('SIGKILL');
  await killed.exited;
  const stopped = run('--lease', '3s', '--grace', '200ms', 'lease:z', '--', 'sh', '-c', tree);
  await stopped.line(/^in$/);
  stopped.process.kill('SIGSTOP');
  // The supervisor ends the command before the lease does; its successor finds nothing of it.
  expect((await run('lease:z', '--', 'true').exited).code).toBe(0);
  stopped.process.kill('SIGCONT');
  await stopped.exited;
  expect(readdirSync(reports)).toEqual([]);
  expect(printed).not.toMatch(REPORT);
});

test('a report is seen', () => {
  const reports = join(copy, 'planted');
  mkdirSync(reports);
  writeFileSync(
    join(copy, 'native/planted.c'),
    'int main(void) { char a[4]; volatile int i = 4; a[i] = 1; return a[0]; }\n',
  );
  const flags = [
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
    '-o',
    join(copy, 'planted-program'),
  ];
  execFileSync('cc', [...flags, join(copy, 'native/planted.c')]);
  const env = environment(reports, false);
  const { status, stderr } = spawnSync(join(copy, 'planted-program'), [], { env, encoding: 'utf8' });
  const files = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));
  expect(status).not.toBe(0);
  expect([stderr, ...files].join('')).toMatch(REPORT);
});
