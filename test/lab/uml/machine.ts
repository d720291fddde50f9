import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { eventually } from '../../support/processes.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Report {
  readonly id?: number;
  readonly text?: string;
  readonly error?: string;
  readonly code?: number;
  readonly ready?: boolean;
}

/** A program that runs on a machine. */
export interface GuestProgram {
  stdout(): string;
  stderr(): string;
  /** Resolves with the first complete line that matches, past or to come, and the host's clock at its arrival. */
  line(pattern: RegExp, withinMs?: number): Promise<{ match: RegExpExecArray; at: number }>;
  write(text: string): void;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

/** A kernel of its own, with its own boot id, clock and network card. It runs on this host's tree, read-only. */
export interface Machine {
  readonly name: string;
  readonly address: string;
  start(script: string): GuestProgram;
  /** Its output; throws when it fails. */
  run(script: string, withinMs?: number): Promise<string>;
  /** Pulls its cable out of the switch, and puts it in again. (With the tap itself down the guest's card never recovers.) */
  disconnect(): void;
  connect(): void;
}

/** Machines on one switch, which is in a network namespace of its own. */
export class Lab {
  readonly #directory = mkdtempSync(join(tmpdir(), 'holdfast-lab-'));
  readonly #kernels: ChildProcess[] = [];
  readonly #network: ChildProcess;

  constructor() {
    const flags = ['-O1', '-Wall', '-shared', '-fPIC'];
    execFileSync('gcc', [...flags, '-o', join(this.#directory, 'xstate.so'), here('xstate.c')]);
    this.#network = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  }

  /** Boots them all at once. */
  async boot(names: readonly string[]): Promise<readonly Machine[]> {
    await eventually('the namespace is there', () => {
      try {
        this.#inNetwork('ip link set lo up && ip link add switch0 type bridge && ip link set switch0 up');
        return true;
      } catch {
        return false;
      }
    });
    return Promise.all(names.map((name, index) => this.#bootOne(name, `10.9.0.${index + 1}`)));
  }

  async remove(): Promise<void> {
    for (const kernel of this.#kernels) killGroup(kernel, 'SIGKILL');
    this.#network.kill('SIGKILL');
    await Promise.all(this.#kernels.map(ended));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** `unshare` execs its program, so its pid is that of the namespace. */
  #enter(): string[] {
    return ['nsenter', `--net=/proc/${this.#network.pid}/ns/net`];
  }

  #inNetwork(script: string): void {
    const [file = '', ...args] = this.#enter();
    if (
      execFileSync('readlink', [`/proc/${this.#network.pid}/ns/net`]).equals(
        execFileSync('readlink', ['/proc/self/ns/net']),
      )
    ) {
      throw new Error('not unshared yet');
    }
    // A synchronous call that hangs would be out of reach of every limit that a test has.
    execFileSync(file, [...args, 'sh', '-c', script], { timeout: 10_000, killSignal: 'SIGKILL' });
  }

  async #bootOne(name: string, address: string): Promise<Machine> {
    this.#inNetwork(`ip tuntap add dev ${name} mode tap && ip link set dev ${name} master switch0 up`);
    const words = [
      'linux.uml',
      'mem=400M',
      'root=/dev/root',
      'rootfstype=hostfs',
      'rootflags=/',
      'ro',
      `init=${here('init.sh')}`,
      'con=null',
      'con0=fd:0,fd:1',
      'quiet',
      `vec0:transport=tap,ifname=${name},depth=64,gro=0`,
      `uml_dir=${this.#directory}`,
      `umid=${name}`,
      `NODE=${process.execPath}`,
      `AGENT=${here('agent.mjs')}`,
      `NAME=${name}`,
      `ADDRESS=${address}`,
    ];
    const [file = '', ...args] = [...this.#enter(), ...words];
    const kernel = spawn(file, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, LD_PRELOAD: join(this.#directory, 'xstate.so'), TMPDIR: this.#directory },
    });
    this.#kernels.push(kernel);
    const guest = new GuestConsole(kernel);
    await eventually(`${name} has booted`, () => guest.isReady, 60_000);
    return {
      name,
      address,
      start: (script) => guest.start(script),
      run: async (script, withinMs = 60_000) => {
        const program = guest.start(script);
        const code = await Promise.race([program.exited, delay(withinMs).then(() => undefined)]);
        if (code === 0) return program.stdout();
        throw new Error(
          `${name}: ${script.slice(0, 200)}: ${code ?? 'no end'}\n${program.stdout()}${program.stderr()}`,
        );
      },
      disconnect: () => this.#inNetwork(`ip link set dev ${name} nomaster`),
      connect: () => this.#inNetwork(`ip link set dev ${name} master switch0`),
    };
  }
}

/** Resolves once a child has ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
}

interface Heard {
  readonly lines: { readonly text: string; readonly at: number }[];
  stderr: string;
  end?: (code: number) => void;
}

class GuestConsole {
  readonly #kernel: ChildProcess;
  readonly #programs = new Map<number, Heard>();
  #lastId = 0;
  isReady = false;

  constructor(kernel: ChildProcess) {
    this.#kernel = kernel;
    createInterface({ input: kernel.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) =>
      this.#hear(line),
    );
  }

  #hear(line: string): void {
    let report: Report;
    try {
      report = JSON.parse(line) as Report;
    } catch {
      // The kernel's own words.
      return;
    }
    if (report.ready === true) this.isReady = true;
    const program = this.#programs.get(report.id ?? -1);
    if (program === undefined) return;
    if (report.text !== undefined) program.lines.push({ text: report.text, at: performance.now() });
    if (report.error !== undefined) program.stderr += `${report.error}\n`;
    if (report.code !== undefined) program.end?.(report.code);
  }

  start(script: string): GuestProgram {
    const id = ++this.#lastId;
    const heard: Heard = { lines: [], stderr: '' };
    this.#programs.set(id, heard);
    const exited = new Promise<number>((resolve) => (heard.end = resolve));
    const send = (order: object): void => void this.#kernel.stdin?.write(`${JSON.stringify(order)}\n`);
    send({ kind: 'start', id, script });
    return {
      exited,
      stdout: () => heard.lines.map(({ text }) => `${text}\n`).join(''),
      stderr: () => heard.stderr,
      line: (pattern, withinMs) =>
        eventually(
          `${pattern}: ${script.slice(0, 80)}`,
          () => {
            for (const { text, at } of heard.lines) {
              const match = pattern.exec(text);
              if (match !== null) return { match, at };
            }
            return undefined;
          },
          withinMs,
        ),
      write: (text) => send({ kind: 'write', id, text }),
      kill: (signal) => send({ kind: 'signal', id, signal }),
    };
  }
}
