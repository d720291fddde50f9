import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { overlapsOf } from '../../src/testing/intervals.js';
import type { VerifyReport } from '../../src/verify/verify.js';
import { dataOf, holdfast } from '../support/holdfast.js';
import { eventually } from '../support/processes.js';
import { raceFor } from './race.js';
import { ended } from './uml/machine.js';
import { prepareSsh, sshdScript } from './uml/remote-shell.js';

// Clients that are programs, on this host: each mount is a client of its own, and the servers are in a network
// namespace, so that nobody else is reached and no port of the host is taken.
const directory = mkdtempSync(join(tmpdir(), 'holdfast-user-space-'));
const share = join(directory, 'share');
const shell = prepareSsh();
const network = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
const programs: ChildProcess[] = [];
const mounts: string[] = [];

function inNetwork(words: readonly string[]): readonly [string, string[]] {
  return ['nsenter', [`--net=/proc/${network.pid}/ns/net`, ...words]];
}

/** Starts a program that stays in the foreground. */
function startProgram(words: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const [file, args] = inNetwork(words);
  // A group of its own: smbd ends its whole group with itself.
  const options = { stdio: 'ignore', detached: true, env: { ...process.env, ...env } } as const;
  programs.push(spawn(file, args, options));
}

async function mount(name: string, words: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const path = join(directory, name);
  mkdirSync(path);
  startProgram([...words.map((word) => (word === 'HERE' ? path : word)), '-f'], env);
  await eventually(`${name} is mounted`, () =>
    readFileSync('/proc/self/mounts', 'utf8').includes(` ${path} fuse`),
  );
  mounts.push(path);
  return path;
}

beforeAll(async () => {
  mkdirSync(share);
  const isApart = (): boolean =>
    !execFileSync('readlink', [`/proc/${network.pid}/ns/net`]).equals(
      execFileSync('readlink', ['/proc/self/ns/net']),
    );
  await eventually('the namespace is there', isApart);
  execFileSync(...inNetwork(['ip', 'link', 'set', 'lo', 'up']));
});

afterAll(async () => {
  for (const path of mounts) execFileSync('umount', ['--lazy', path]);
  for (const program of [...programs, network]) program.kill('SIGTERM');
  await Promise.all([...programs, network].map(ended));
  for (const path of [directory, shell.directory]) rmSync(path, { recursive: true, force: true });
});

const ROUNDS = ['--json', '--quiet', '--rounds', '30'];

it('sshfs: leases hold by recorded intervals, flock is refused by name', async () => {
  const script = sshdScript(shell, '127.0.0.1', 2222, join(directory, 'sshd'));
  startProgram(['bash', '-c', `${script.replace('/usr/sbin/sshd', 'exec /usr/sbin/sshd -D')}`]);
  const words = ['sshfs', '-F', shell.configuration, '-o', 'port=2222', `root@127.0.0.1:${share}`, 'HERE'];
  await eventually('sshd listens', () => isListening(2222));
  const [one, two] = [await mount('ssh-one', words), await mount('ssh-two', words)];
  const { code, stdout } = await holdfast(directory, ['verify', ...ROUNDS, '--peer', two, one]);
  const { backends, chosen } = dataOf<VerifyReport>(stdout);
  expect(backends).toMatchObject({ flock: { verdict: 'unsafe' }, lease: { verdict: 'safe' } });
  expect(backends.flock.reasons[0]).toBe("sshfs leaves flock to each host's own kernel");
  expect([chosen, code]).toEqual(['lease', 0]);
  const addresses = [one, two, one, two].map((path) => join(path, 'raced'));
  const race = await raceFor(addresses, { forMs: 15_000, holdMs: 20 }, { XDG_STATE_HOME: '/dev/null' });
  process.stdout.write(`sshfs lease: ${race.holds.length} holds, ${race.failures.length} failures\n`);
  expect(overlapsOf(race.holds)).toEqual([]);
  expect(race.holds.length).toBeGreaterThan(10);
});

it('smbnetfs: refused by name for flock and for lease, and the trial agrees', async () => {
  const home = join(directory, 'home');
  const state = ['private', 'lock', 'state', 'cache', 'pid', 'ncalrpc'].map((name) =>
    join(directory, 'smb', name),
  );
  for (const path of [join(home, '.smb'), ...state]) mkdirSync(path, { recursive: true });
  const [privateDir, lock, stateDir, cache, pid, ncalrpc] = state;
  const configuration = join(home, '.smb', 'smb.conf');
  writeFileSync(
    configuration,
    `[global]
server role = standalone server
interfaces = lo
bind interfaces only = yes
private dir = ${privateDir}
lock directory = ${lock}
state directory = ${stateDir}
cache directory = ${cache}
pid directory = ${pid}
ncalrpc dir = ${ncalrpc}
log file = ${directory}/smb/log
map to guest = Bad User
guest account = root
disable netbios = yes
load printers = no
disable spoolss = yes
[share]
path = ${share}
guest ok = yes
read only = no
force user = root
`,
  );
  const client = join(home, '.smb', 'smbnetfs.conf');
  writeFileSync(client, 'smb_query_browsers false\nauth "guest" ""\nhost 127.0.0.1 WORKGROUP visible=true\n');
  chmodSync(client, 0o600);
  startProgram(['smbd', '-F', '--no-process-group', '-s', configuration]);
  await eventually('smbd listens', () => isListening(445));
  const words = ['smbnetfs', 'HERE', '-o', `config=${client}`];
  const [one, two] = [
    await mount('smb-one', words, { HOME: home }),
    await mount('smb-two', words, { HOME: home }),
  ];
  const [ours, theirs] = [one, two].map((path) => join(path, '127.0.0.1', 'share')) as [string, string];
  const { code, stdout } = await holdfast(directory, ['verify', ...ROUNDS, '--peer', theirs, ours]);
  const { backends, findings } = dataOf<VerifyReport>(stdout);
  for (const { check, outcome, detail } of findings) {
    process.stdout.write(`smbnetfs: ${check}: ${outcome}: ${detail}\n`);
  }
  expect(backends).toMatchObject({ flock: { verdict: 'unsafe' }, lease: { verdict: 'unsafe' } });
  expect(backends.lease.reasons[0]).toContain('smbnetfs');
  expect(findings).toContainEqual(expect.objectContaining({ check: 'exclusive create', outcome: 'broken' }));
  expect(code).toBe(78);
});

function isListening(port: number): boolean {
  const [file, args] = inNetwork(['ss', '-Hltn', `sport = :${port}`]);
  return execFileSync(file, args, { encoding: 'utf8' }).includes(`:${port}`);
}
