import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { onTestFinished } from 'vitest';

import { hostNow } from '../../../src/platform/clock.js';
import { testDirectory } from '../../support/directory.js';
import { parseHistory, type Event } from './history.js';
import { judge, type Verdict } from './judge.js';
import { startRegister } from './register.js';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));
export const LEASE_MS = 4_000;
const LOCKS = ['a', 'b'] as const;
const WORKERS_PER_LOCK = 4;

/** What is done to the servers, by name. */
export type Troubles = Readonly<Record<string, () => Promise<unknown>>>;

export interface Run {
  readonly name: string;
  /** Without a lock's name. */
  readonly url: string;
  readonly minutes: number;
  readonly troubles: Troubles;
  /** Half of the workers reach the server by another way. */
  readonly elsewhere?: Elsewhere;
}

export interface Elsewhere {
  /** The command that runs a worker there. */
  readonly prefix: readonly string[];
  /** Of the server and of the register, seen from there and from here. */
  readonly address: string;
}

const oneOf = <T>(choices: readonly T[]): T => choices[Math.floor(Math.random() * choices.length)] as T;

/** The workers of one lock, and their history. */
class Crew {
  readonly path: string;
  readonly #directory: string;
  readonly #address: string;
  readonly #register: string;
  readonly #elsewhere: Elsewhere | undefined;
  readonly #workers: { readonly child: ChildProcess; readonly name: string }[] = [];
  #started = 0;

  constructor(address: string, register: string, elsewhere?: Elsewhere) {
    this.#elsewhere = elsewhere;
    this.#directory = testDirectory();
    this.path = join(this.#directory, 'history.jsonl');
    writeFileSync(this.path, '');
    this.#address = address;
    this.#register = register;
    for (let index = 0; index < WORKERS_PER_LOCK; index++) this.#start(index);
    onTestFinished(() => this.end());
  }

  note(event: Event): void {
    appendFileSync(this.path, `${JSON.stringify(event)}\n`);
  }

  async kill(): Promise<void> {
    const index = Math.floor(Math.random() * WORKERS_PER_LOCK);
    await this.#kill(index);
    this.#start(index);
  }

  async stop(forMs: number): Promise<void> {
    const { child } = oneOf(this.#workers);
    child.kill('SIGSTOP');
    await delay(forMs);
    child.kill('SIGCONT');
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((_, index) => this.#kill(index)));
  }

  events(): readonly Event[] {
    return parseHistory(readFileSync(this.path, 'utf8'));
  }

  #start(index: number): void {
    const name = `w${this.#started++}`;
    const { prefix, address } = (index % 2 === 1 ? this.#elsewhere : undefined) ?? {
      prefix: [],
      address: '',
    };
    const server = address === '' ? this.#address : this.#address.replaceAll('127.0.0.1', address);
    const args = [server, name, this.path, this.#proof(name), this.#register, String(LEASE_MS)];
    const [program = '', ...rest] = [...prefix, process.execPath, WORKER, ...args];
    const child = spawn(program, rest, { stdio: ['pipe', 'ignore', 'inherit'] });
    this.#workers[index] = { child, name };
  }

  async #kill(index: number): Promise<void> {
    const worker = this.#workers[index];
    if (worker === undefined || worker.child.signalCode !== null) return;
    const ended = new Promise((resolve) => worker.child.once('exit', resolve));
    worker.child.kill('SIGKILL');
    await ended;
    const [hold, at] = this.#lastProof(worker.name);
    this.note({ t: 'killed', w: worker.name, ...(hold && { hold, at: Number(at) }) });
  }

  #proof(name: string): string {
    return join(this.#directory, `${name}.proof`);
  }

  #lastProof(name: string): readonly string[] {
    try {
      return readFileSync(this.#proof(name), 'utf8').trim().split(' ');
    } catch {
      // It was killed before it opened the file.
      return [];
    }
  }
}

/** Two locks of one server, four workers each, which are killed and stopped, while troubles come over the server. */
export async function run({ name, url, minutes, troubles, elsewhere }: Run): Promise<Verdict> {
  const register = await startRegister(elsewhere?.address);
  onTestFinished(() => register.close());
  const crews = LOCKS.map((lock) => new Crew(`${url}#nemesis ${lock}`, `${register.url}${lock}`, elsewhere));
  const all: Troubles = {
    ...troubles,
    'a worker is killed': () => oneOf(crews).kill(),
    'a worker is stopped': () => oneOf(crews).stop(Math.random() * 1.5 * LEASE_MS),
  };
  const until = hostNow() + minutes * 60_000;
  while (hostNow() < until) {
    await delay(500 + Math.random() * 2_500);
    const trouble = oneOf(Object.keys(all));
    crews[0]?.note({ t: 'trouble', name: trouble, at: hostNow() });
    await all[trouble]?.();
  }
  // All is well again: the locks must be, too.
  await delay(3 * LEASE_MS);
  await Promise.all(crews.map((crew) => crew.end()));
  const verdict = together(crews.map((crew) => judge(crew.events())));
  keep(name, crews);
  process.stderr.write(`${name}, ${minutes} min: ${JSON.stringify(verdict)}\n`);
  return verdict;
}

/** For those who want to look at a history, or to keep it: HOLDFAST_NEMESIS_OUT names a directory. */
function keep(name: string, crews: readonly Crew[]): void {
  const directory = process.env['HOLDFAST_NEMESIS_OUT'];
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  for (const [index, crew] of crews.entries()) {
    const file = `${name.replaceAll(/\W+/g, '-')}-${LOCKS[index]}.jsonl.gz`;
    writeFileSync(join(directory, file), gzipSync(readFileSync(crew.path), { level: 9 }));
  }
}

function together(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((sum, verdict) => ({
    holds: sum.holds + verdict.holds,
    lost: added(sum.lost, verdict.lost),
    overlaps: [...sum.overlaps, ...verdict.overlaps],
    tokenReversals: sum.tokenReversals + verdict.tokenReversals,
    writes: sum.writes + verdict.writes,
    refused: sum.refused + verdict.refused,
    olderAccepted: sum.olderAccepted + verdict.olderAccepted,
    failures: added(sum.failures, verdict.failures),
    unhandled: [...sum.unhandled, ...verdict.unhandled],
    troubles: added(sum.troubles, verdict.troubles),
  }));
}

type Counts = Readonly<Record<string, number>>;

function added(one: Counts, other: Counts): Counts {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
