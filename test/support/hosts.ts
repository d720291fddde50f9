import type { SpawnOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { eventually, start, type TestChild } from './processes.js';

/** Where processes run. */
export interface Host {
  /** Runs a Node program there. */
  start(args: readonly string[]): HostedProcess;
  /** Runs any program there; names of files must be absolute. Resolves with its number as this host has it. */
  exec(words: readonly string[], options?: SpawnOptions): Promise<number>;
}

export interface HostedProcess {
  readonly child: TestChild;
  readonly stderr: () => string;
  /** To the program itself, from outside: a first process of a namespace is not stopped or killed from within. */
  signal(name: NodeJS.Signals): Promise<void>;
}

/** This machine as it is. */
export function thisHost(directory: string): Host {
  const state = stateDirectory(directory, 'this');
  return {
    start: (args) => hosted(state, [process.execPath, ...args], false),
    exec: (words, options) => Promise.resolve(startWith(state, words, options).pid),
  };
}

/** Another host as far as anybody can tell: its own name, boot id and process numbers, for as long as the test. */
export async function otherHost(directory: string): Promise<Host> {
  const name = `host-${randomUUID().slice(0, 8)}`;
  const state = stateDirectory(directory, name);
  const bootId = join(state, 'boot-id');
  writeFileSync(bootId, `${randomUUID()}\n`);
  const script = `hostname ${name} && mount --bind ${bootId} /proc/sys/kernel/random/boot_id && echo up && exec sleep infinity`;
  const words = ['--uts', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script];
  const host = start('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await host.line(/^up$/);
  const first = await childOf(host.pid);
  const enter = ['nsenter', '--target', String(first), '--uts', '--pid', '--mount', '--'];
  return {
    start: (args) => hosted(state, [...enter, process.execPath, ...args], true),
    exec: (words, options) => childOf(startWith(state, [...enter, ...words], options).pid),
  };
}

function stateDirectory(directory: string, name: string): string {
  const path = join(directory, `state-${name}`);
  mkdirSync(path, { recursive: true });
  return path;
}

function hosted(state: string, words: readonly string[], isWrapped: boolean): HostedProcess {
  const child = startWith(state, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.process.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const target = isWrapped ? childOf(child.pid) : Promise.resolve(child.pid);
  target.catch(() => undefined);
  return {
    child,
    stderr: () => stderr,
    signal: async (name) => {
      try {
        process.kill(await target, name);
        // nsenter stops when what it runs is stopped, and has to be told to go on.
        if (name === 'SIGCONT') process.kill(child.pid, name);
      } catch (error) {
        // It was faster than the signal.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
  };
}

/** Entering a mount namespace ends in its root, wherever one came from. */
function startWith(state: string, words: readonly string[], options: SpawnOptions = {}): TestChild {
  const env = { ...(options.env ?? process.env), XDG_STATE_HOME: state };
  return start(String(words[0]), words.slice(1), { ...options, env });
}

function childOf(pid: number): Promise<number> {
  return eventually(`process ${pid} starts another`, () => {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  });
}
