import { execFile } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { CLI } from '../support/cli.js';
import { testDirectory } from '../support/directory.js';
import { hangMs } from '../support/time.js';

const INDEX = new URL('../../dist/index.js', import.meta.url).href;
const DURABLE = new URL('../../dist/durable/index.js', import.meta.url).href;

/** Two users and a third, who have nothing in common but what a test gives them. */
export const ALICE = { uid: 41_001, gid: 41_001 };
export const BOB = { uid: 41_002, gid: 41_002 };
export const CAROL = { uid: 41_003, gid: 41_003 };
/** A group that all three may be made members of. */
export const PROJECT = 41_100;

export interface Person {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program as another user, and kills it when it hangs. */
export function runAs(person: Person | undefined, cwd: string, command: readonly string[]): Promise<Ended> {
  const [file = '', ...args] = [...prefix(person), ...command];
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      {
        cwd,
        timeout: Math.round(hangMs),
        killSignal: 'SIGKILL',
        env: { PATH: process.env['PATH'], HOME: cwd },
      },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      },
    );
  });
}

function prefix(person: Person | undefined): string[] {
  if (person === undefined) return [];
  const { uid, gid, groups } = person;
  const membership = groups === undefined ? '--clear-groups' : `--groups=${groups.join(',')}`;
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, membership];
}

export function holdfastAs(person: Person | undefined, cwd: string, args: readonly string[]): Promise<Ended> {
  return runAs(person, cwd, [process.execPath, CLI, ...args]);
}

/** Runs a few lines with the library at hand; of an error its code and message are printed. */
export function libraryAs(
  person: Person | undefined,
  cwd: string,
  lines: string,
  wrapper: readonly string[] = [],
): Promise<Ended> {
  const script = `import { withLock } from '${INDEX}';
import { JsonFile, JsonLines, writeFileDurable } from '${DURABLE}';
try { ${lines} } catch (error) { console.error(error.code, error.message); process.exitCode = 1; }`;
  return runAs(person, cwd, [...wrapper, process.execPath, '--input-type=module', '-e', script]);
}

/** A directory that belongs to `owner`. */
export function placeOf(owner: Person, mode: number, gid = owner.gid): string {
  const directory = testDirectory();
  chownSync(directory, owner.uid, gid);
  chmodSync(directory, mode);
  return directory;
}

/** Everything below a directory: names, owners, modes, content. */
export function fingerprint(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(directory, name);
    const { uid, gid, mode } = lstatSync(path);
    hash.update(`${name} ${uid} ${gid} ${mode}\n`);
    if (lstatSync(path).isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}
