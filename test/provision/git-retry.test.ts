import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { install } from '../../src/provision/install.js';
import type { ProvisionEvent } from '../../src/provision/events.js';
import type { Recipe } from '../../src/provision/recipe.js';
import { testDirectory } from '../support/directory.js';
import { together, whenFinished } from '../support/finish.js';
import { isGone } from '../support/processes.js';
import { machineUnit } from '../support/time.js';
import {
  cleanEnvironment,
  cmakeProject,
  commit,
  git,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
  versionsOf,
  withProgram,
  writeRecipe,
} from './fixture.js';

const REAL_GIT = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();

function scene() {
  const directory = testDirectory();
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
  const recipe = scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE);
  const installDir = join(directory, 'opt', 'script');
  return { directory, remote, recipe, installDir, env: cleanEnvironment(directory) };
}

/** A git that runs `script` for `clone`, with $n the number of the call, and is the real one for everything else. */
function withFakeClone(env: NodeJS.ProcessEnv, directory: string, script: string): NodeJS.ProcessEnv {
  const calls = join(directory, 'clones');
  const fake = `[ "$1" = clone ] || exec ${REAL_GIT} "$@"\ndate +%s.%N >> ${calls}\nn=$(wc -l < ${calls})\nfor dir; do :; done\n${script}`;
  return withProgram(env, join(directory, 'bin'), 'git', fake);
}

function clonesIn(directory: string): number[] {
  const path = join(directory, 'clones');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map(Number) : [];
}

const BROKEN_CONNECTION = `echo "fatal: unable to access 'https://example.org/': Could not resolve host: example.org" >&2; exit 128`;

describe.concurrent('fetching with git', () => {
  together('failing twice: again after 1 s and after 2 s, then it goes on', async () => {
    const { directory, recipe, installDir, env } = scene();
    const script = `if [ $n -le 2 ]; then mkdir -p "$dir"; touch "$dir/partial"; ${BROKEN_CONNECTION}; fi\nexec ${REAL_GIT} "$@"`;
    const events: ProvisionEvent[] = [];
    const { outcome, dir = '' } = await install(recipe as unknown as Recipe, {
      dir: installDir,
      env: withFakeClone(env, directory, script),
      jitter: false,
      onEvent: (event) => events.push(event),
    });

    expect(outcome).toBe('installed');
    const [first = 0, second = 0, third = 0, ...more] = clonesIn(directory);
    expect(more).toEqual([]);
    expect(second - first).toBeGreaterThan(0.95);
    expect(third - second).toBeGreaterThan(1.95);
    const retries = events.filter((event) => event.type === 'retry');
    expect(retries.map(({ attempt, attempts, delayMs }) => [attempt, attempts, delayMs])).toEqual([
      [1, 4, 1000],
      [2, 4, 2000],
    ]);
    expect(retries[0]?.reason).toContain('Could not resolve host');
    expect(readdirSync(dir)).not.toContain('partial');
  });

  together('failing always: four attempts, named, exit 20, no partial clone seen, nothing left', async () => {
    const { directory, recipe, installDir, env } = scene();
    const args = ['setup', writeRecipe(directory, recipe), '--dir', installDir];
    const look = `mkdir -p "$dir"; touch "$dir/partial"; ls ${installDir} >> ${directory}/seen 2>&1`;
    const result = await holdfast(args, withFakeClone(env, directory, `${look}; ${BROKEN_CONNECTION}`));
    expect(result).toMatchObject({ code: 20, stdout: '' });
    expect(readFileSync(join(directory, 'seen'), 'utf8')).not.toContain('partial');
    expect(result.stderr).toMatch(
      /failed after 4 attempts: fatal: unable to access .*Could not resolve host/,
    );
    expect(clonesIn(directory)).toHaveLength(4);
    expect(versionsOf(installDir)).toEqual([]);
    expect(existsSync(installDir)).toBe(false);
  });

  for (const [what, words] of [
    ['404', "fatal: repository 'https://example.org/x.git/' not found"],
    ['403', "fatal: unable to access 'https://example.org/x/': The requested URL returned error: 403"],
    ['authentication', "fatal: Authentication failed for 'https://example.org/x.git/'"],
    ['no password', "fatal: could not read Username for 'https://example.org': terminal prompts disabled"],
    ['an unknown ref', 'fatal: Remote branch nope not found in upstream origin'],
  ] as const) {
    together(`${what} is final: one attempt, exit 20`, async () => {
      const { directory, recipe, installDir, env } = scene();
      const args = ['setup', writeRecipe(directory, recipe), '--dir', installDir];
      const result = await holdfast(args, withFakeClone(env, directory, `echo "${words}" >&2; exit 128`));
      expect(result).toMatchObject({ code: 20, stdout: '' });
      expect(result.stderr).toContain(words);
      expect(clonesIn(directory)).toHaveLength(1);
    });
  }

  together('hanging: each attempt ends at its timeout, and nothing that git started goes on', async () => {
    const { directory, recipe, installDir, env } = scene();
    const script = `setsid sh -c 'echo $$ >> ${directory}/pids; trap "" TERM; sleep 60; sleep 60' &\necho $$ >> ${directory}/pids\nsleep 60`;
    const slow = {
      ...withFakeClone(env, directory, script),
      HOLDFAST_FETCH_TIMEOUT: `${1_500 * machineUnit}ms`,
    };
    const result = await holdfast(['setup', writeRecipe(directory, recipe), '--dir', installDir], slow);
    expect(result).toMatchObject({ code: 20, stdout: '' });
    expect(result.stderr).toMatch(/failed after 4 attempts: it did not end within [\d.]+ (m?s|min)/);
    const pids = readFileSync(join(directory, 'pids'), 'utf8').trim().split('\n').map(Number);
    expect(pids).toHaveLength(8);
    expect(pids.filter((pid) => !isGone(pid))).toEqual([]);
    expect(versionsOf(installDir)).toEqual([]);
  });

  together('credentials in the address appear nowhere', async () => {
    const { directory, recipe, installDir, env } = scene();
    const args = ['setup', '--dir', installDir];
    const secret = { ...recipe, source: { git: 'https://me:hunter2@example.org/x.git' } };
    const script = `echo "fatal: repository 'https://me:hunter2@example.org/x.git/' not found" >&2; exit 128`;
    const result = await holdfast(
      [...args, writeRecipe(directory, secret)],
      withFakeClone(env, directory, script),
    );
    expect(result.code).toBe(20);
    expect(result.stderr).toContain('example.org/x.git');
    expect(result.stderr).not.toContain('hunter2');
  });
});

describe('what is fetched', () => {
  test('a branch, a tag, an annotated tag, a commit in the middle: each by --ref', async () => {
    const { remote, directory, recipe, installDir, env } = scene();
    const middle = commit(remote, { 'seed.txt': 'two\n' });
    git(remote, 'tag', 'plain');
    git(remote, 'tag', '-a', '-m', 'x', 'annotated');
    git(remote, 'branch', 'feature/x');
    commit(remote, { 'seed.txt': 'three\n' });
    const path = writeRecipe(directory, recipe);
    for (const ref of ['plain', 'annotated', 'feature/x', middle, 'refs/tags/plain']) {
      const result = await holdfast(
        ['setup', path, '--dir', installDir, '--ref', ref, '--repair=always'],
        env,
      );
      expect(result.code, result.stderr).toBe(0);
      expect(readFileSync(join(installDir, 'lib/libone.so'), 'utf8'), ref).toBe('two\n');
    }
    const option = await holdfast(['setup', path, '--dir', installDir, '--ref', '--upload-pack=x'], env);
    expect(option).toMatchObject({ code: 64, stdout: '' });
  });

  test('over the git protocol, with submodules of submodules; but none from this disk for a remote of elsewhere', async () => {
    const directory = testDirectory();
    const env = cleanEnvironment(directory);
    cmakeProject(directory);
    const address = await gitDaemon(directory);
    git(join(directory, 'alpha'), 'submodule', 'set-url', 'third/beta', `${address}/beta`);
    git(join(directory, 'alpha'), 'commit', '-qam', 'by daemon');
    const outer = repository(join(directory, 'outer'), { 'seed.txt': 'outer\n' });
    git(outer, 'submodule', '--quiet', 'add', `${address}/alpha`, 'inner');
    git(outer, 'commit', '-qm', 'inner');
    const script = 'mkdir lib && cp inner/third/beta/beta.c lib/libone.so';
    const recipe = {
      ...scriptRecipe(outer, join(directory, 'counter'), script),
      source: { git: `${address}/outer` },
    };
    const args = ['setup', writeRecipe(directory, recipe), '--dir', join(directory, 'opt/outer')];
    const result = await holdfast(args, env);
    expect(result.code, result.stderr).toBe(0);
    expect(readFileSync(join(directory, 'opt/outer/lib/libone.so'), 'utf8')).toContain('int beta');

    git(outer, 'submodule', '--quiet', 'add', `file://${directory}/beta`, 'local');
    git(outer, 'commit', '-qm', 'local');
    const refused = await holdfast([...args, '--update'], env);
    expect(refused).toMatchObject({ code: 20, stdout: '' });
    expect(refused.stderr).toMatch(/transport 'file' not allowed/);
  });
});

/** Serves every repository below `directory` on a free port of loopback; ends with the test. */
async function gitDaemon(directory: string): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const options = ['--reuseaddr', '--listen=127.0.0.1', `--port=${port}`, '--export-all', '--verbose'];
  const daemon = spawn('git', ['daemon', ...options, `--base-path=${directory}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  whenFinished(() => {
    process.kill(-(daemon.pid as number), 'SIGKILL');
  });
  await new Promise<void>((ready) =>
    daemon.stderr.on('data', (text: Buffer) => {
      if (text.includes('Ready to rumble')) ready();
    }),
  );
  return `git://127.0.0.1:${port}`;
}
