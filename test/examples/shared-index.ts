import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { testDirectory } from '../support/directory.js';
import { type Host, type HostedProcess, thisHost } from '../support/hosts.js';

export const EXAMPLE = new URL('../../examples/shared-index/', import.meta.url).pathname;
export const PROGRAM = join(EXAMPLE, 'shared-index.mjs');

export type Engine = 'jsonl' | 'tantivy';
export const ENGINES: readonly Engine[] = ['jsonl', 'tantivy'];

export interface Setting {
  readonly directory: string;
  readonly index: string;
  readonly backups: string;
  readonly here: Host;
}

export function setting(): Setting {
  const directory = testDirectory();
  return {
    directory,
    index: join(directory, 'index'),
    backups: join(directory, 'backups'),
    here: thisHost(directory),
  };
}

/** A source of documents `<name>-1`, `<name>-2`, ... */
export function writeSource(directory: string, name: string, count: number): string {
  const path = join(directory, `${name}.jsonl`);
  writeFileSync(
    path,
    idsOf(name, count)
      .map((id) => `{"id":"${id}","text":"The fish ${id} swims"}\n`)
      .join(''),
  );
  return path;
}

export function idsOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

export function startIndexer(host: Host, ...args: readonly string[]): HostedProcess {
  return host.start([PROGRAM, ...args]);
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function finished({ child, stderr }: HostedProcess): Promise<Finished> {
  const { code, stdout } = await child.exited;
  return { code, stdout, stderr: stderr() };
}

/** Runs one command to its end. */
export function sharedIndex(host: Host, ...args: readonly string[]): Promise<Finished> {
  return finished(startIndexer(host, ...args));
}

export interface Commit {
  readonly number: number;
  readonly token: bigint;
  readonly documents: number;
}

/** Where the head points, as its file name says. */
export function headOf(index: string): { store: string; commit: string; epoch: bigint } {
  const heads = readdirSync(index).filter((name) => name.startsWith('head.'));
  if (heads.length !== 1) throw new Error(`There are ${heads.length} heads: ${heads.join(' ')}`);
  const [, store = '', commit = '', epoch = ''] = String(heads[0]).split('.');
  return { store, commit, epoch: BigInt(epoch) };
}

/** What is committed, the oldest first, read without the code of the example. */
export function commitsOf(index: string): Commit[] {
  const { store, commit } = headOf(index);
  const commits: Commit[] = [];
  for (let name: string | undefined = commit; name !== undefined;) {
    const record = JSON.parse(readFileSync(join(index, store, 'commits', `${name}.json`), 'utf8')) as {
      number: number;
      token: string;
      documents: number;
      previous?: string;
    };
    commits.unshift({ number: record.number, token: BigInt(record.token), documents: record.documents });
    name = record.previous;
  }
  return commits;
}

/** The parts that are there, committed or not. */
export function partsOf(index: string): string[] {
  try {
    return readdirSync(join(index, headOf(index).store, 'parts')).toSorted();
  } catch {
    return [];
  }
}

/** A commit's part that no record speaks of yet: somebody is writing a batch. */
export function openPart(index: string): string | undefined {
  const { store } = headOf(index);
  const commits = readdirSync(join(index, store, 'commits'));
  return partsOf(index).find((part) => !commits.includes(`${part}.json`));
}

/** Names, contents and times of everything below a folder. */
export function fingerprint(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const path = join(folder, name);
    const stat = statSync(path);
    const content = stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
    return [name, stat.mtimeMs, stat.ino, content].join(' ');
  });
}
