import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

const SOURCE = fileURLToPath(new URL('hostilefs.c', import.meta.url));

/** What is wrong with it; see hostilefs.c. */
export type Knobs = Readonly<Record<string, string | number>>;

/** A folder seen through two mounts that know nothing of each other, as two hosts do. */
export interface HostileShare {
  /** The folder itself. */
  readonly root: string;
  readonly one: string;
  readonly two: string;
  remove(): Promise<void>;
}

/** Compiles it into `directory` and returns the program's path. */
export function compileHostile(directory: string): string {
  const program = join(directory, 'hostilefs');
  const flags = ['-O1', '-Wall', '-Wextra', '-Werror', '-D_FILE_OFFSET_BITS=64', '-I/usr/include/fuse3'];
  execFileSync('gcc', [...flags, '-o', program, SOURCE, '-lfuse3', '-lpthread']);
  return program;
}

export async function mountHostile(program: string, knobs: Knobs): Promise<HostileShare> {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-hostile-'));
  const [root, one, two] = ['root', 'one', 'two'].map((name) => {
    mkdirSync(join(directory, name));
    return join(directory, name);
  }) as [string, string, string];
  const words = Object.entries(knobs).map(([knob, value]) => `${knob}=${value}`);
  const servers = [one, two].map((mountPoint) => {
    const server = spawn(program, [root, mountPoint, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    server.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    return { mountPoint, server, exited: once(server, 'exit'), said: () => said };
  });
  const remove = async (): Promise<void> => {
    for (const { mountPoint } of servers) {
      if (isMounted(mountPoint)) execFileSync('umount', ['--lazy', mountPoint]);
    }
    // Whoever still sits in a call there hears ENOTCONN.
    for (const { server } of servers) server.kill('SIGKILL');
    await Promise.all(servers.map(({ exited }) => exited));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await appearance(servers);
  } catch (error) {
    await remove();
    throw error;
  }
  return { root, one, two, remove };
}

async function appearance(
  servers: readonly { mountPoint: string; server: ChildProcess; said(): string }[],
): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!servers.every(({ mountPoint }) => isMounted(mountPoint))) {
    const failed = servers.find(({ server }) => server.exitCode !== null);
    if (failed !== undefined) throw new Error(`no FUSE here: ${failed.said()}`);
    if (performance.now() > deadline) throw new Error('the mounts did not appear');
    await delay(20);
  }
}

function isMounted(mountPoint: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8').includes(` ${mountPoint} fuse.`);
}
