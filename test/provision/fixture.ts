import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  existsSync,
  writeFileSync,
  chmodSync,
  readlinkSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { whenFinished } from '../support/finish.js';

export const BIN = fileURLToPath(new URL('../../dist/bin/holdfast.cjs', import.meta.url));

/** An environment in which git neither knows who we are nor reads our settings, and nothing is installed yet. */
export function cleanEnvironment(home: string, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.org',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.org',
    ...extra,
  };
}

export function git(cwd: string, ...args: string[]): string {
  const env = cleanEnvironment(cwd);
  const settings = ['-c', 'protocol.file.allow=always', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...settings, ...args], { cwd, env, encoding: 'utf8' }).trim();
}

export function commit(
  repository: string,
  files: Readonly<Record<string, string>>,
  message = 'change',
): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(resolve(repository, path, '..'), { recursive: true });
    writeFileSync(join(repository, path), content);
  }
  git(repository, 'add', '-A');
  git(repository, 'commit', '-qm', message);
  return git(repository, 'rev-parse', 'HEAD');
}

export function repository(path: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(path, { recursive: true });
  git(path, 'init', '-q');
  commit(path, files);
  return path;
}

/** A C project built by CMake: libalpha, and libbeta from a submodule. Returns the superproject's path. */
export function cmakeProject(directory: string): string {
  const beta = repository(join(directory, 'beta'), {
    'CMakeLists.txt': 'add_library(beta SHARED beta.c)\n',
    'beta.c': 'int beta(void) { return 2; }\n',
  });
  const alpha = join(directory, 'alpha');
  mkdirSync(alpha);
  git(alpha, 'init', '-q');
  git(alpha, 'submodule', '--quiet', 'add', `file://${beta}`, 'third/beta');
  commit(alpha, {
    'CMakeLists.txt': [
      'cmake_minimum_required(VERSION 3.14)',
      'project(alpha C)',
      'set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)',
      'set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)',
      'add_subdirectory(third/beta)',
      'add_library(alpha SHARED alpha.c)',
      'target_link_libraries(alpha PRIVATE beta)',
      'add_executable(answer answer.c)',
      'target_link_libraries(answer PRIVATE alpha)',
      '',
    ].join('\n'),
    'alpha.c': 'int beta(void);\nint alpha(void) { return beta() + 40; }\n',
    'answer.c':
      '#include <stdio.h>\nint alpha(void);\nint main(void) { printf("%d\\n", alpha()); return 0; }\n',
  });
  return alpha;
}

type Json = Record<string, unknown>;

/** A recipe whose first step counts builds, and which is built by CMake. */
export function cmakeRecipe(remote: string, counter: string): Json {
  return {
    name: 'alpha',
    source: { git: `file://${remote}` },
    prerequisites: [{ commands: ['cmake'], minimumVersion: '3.14' }],
    steps: [
      countStep(counter),
      { name: 'configure', command: 'cmake', arguments: ['-S', '.', '-B', 'build'] },
      { name: 'compile', command: 'cmake', arguments: ['--build', 'build', '--parallel', '{jobs}'] },
    ],
    artifacts: [
      { name: 'libalpha', files: ['libalpha.so'] },
      { name: 'libbeta', files: ['libbeta.so'] },
    ],
    search: ['build/lib', 'build/bin', 'build'],
  };
}

export function countStep(counter: string): Json {
  return {
    name: 'count',
    command: 'sh',
    arguments: ['-c', 'echo built >> "$COUNTER"'],
    env: { COUNTER: counter },
  };
}

/** A recipe that a shell script builds at once: for everything that is not about compilers. */
export function scriptRecipe(remote: string, counter: string, script: string): Json {
  return {
    name: 'script',
    source: { git: `file://${remote}` },
    steps: [countStep(counter), { name: 'make', command: 'sh', arguments: ['-c', script] }],
    artifacts: [{ name: 'libone', files: ['libone.so'] }],
    search: ['lib'],
  };
}

export const MAKE_ONE = 'mkdir -p lib && cp seed.txt lib/libone.so';

export function countOf(counter: string): number {
  return existsSync(counter) ? readFileSync(counter, 'utf8').split('\n').length - 1 : 0;
}

export function writeRecipe(directory: string, recipe: Json, name = 'recipe.json'): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(recipe, undefined, 2));
  return path;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly finished: Promise<Finished>;
  /** Resolves once stderr has a match; rejects when the command ends without. */
  says(pattern: RegExp): Promise<void>;
  /** SIGKILL, if it still runs. */
  kill(): void;
}

/** Starts `holdfast` with these arguments. Killed, if need be, when the test ends. */
export function startHoldfast(args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): Running {
  const child = spawn(process.execPath, [BIN, ...args], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  const finished = new Promise<Finished>((done) =>
    child.once('close', (code, signal) => done({ code, signal, stdout, stderr })),
  );
  whenFinished(() => void child.kill('SIGKILL'));
  const says = (pattern: RegExp): Promise<void> =>
    new Promise((found, missed) => {
      const look = (): void => {
        if (pattern.test(stderr)) found();
      };
      listeners.add(look);
      look();
      void finished.then(() => missed(new Error(`ended without saying ${pattern}:\n${stderr}`)));
    });
  const kill = (): void => void child.kill('SIGKILL');
  return { pid: child.pid as number, finished, says, kill };
}

export function holdfast(args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): Promise<Finished> {
  return startHoldfast(args, env, cwd).finished;
}

/** Puts an executable script at the front of the PATH that `env` gets. */
export function withProgram(
  env: NodeJS.ProcessEnv,
  directory: string,
  name: string,
  script: string,
): NodeJS.ProcessEnv {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { ...env, PATH: `${directory}:${env['PATH'] ?? ''}` };
}

/** Ids of the trees below `installDir`.versions. */
export function versionsOf(installDir: string): string[] {
  const directory = `${installDir}.versions`;
  return existsSync(directory) ? readdirSync(directory).filter((name) => !name.endsWith('.retired')) : [];
}

export function currentOf(installDir: string): string {
  return resolve(installDir, '..', readlinkSync(installDir));
}

/** Every file below a directory with its content, to compare two moments byte by byte. */
export function snapshot(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path, readFileSync(path, 'latin1'));
    else if (entry.isSymbolicLink()) files.set(path, readlinkSync(path));
  }
  return files;
}
