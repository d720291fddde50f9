import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { whenFinished } from '../../support/finish.js';
import { until } from '../../support/ports.js';

const LINK = fileURLToPath(new URL('link.py', import.meta.url));
/** Of this namespace, where the servers are, and of the other one. */
const HERE = '10.77.0.1';
const THERE = '10.77.0.2';

/** What happens to frames: the parts that vanish, 0 to 1, and how late the others are. */
export interface Weather {
  readonly requestLoss?: number;
  readonly answerLoss?: number;
  readonly delayMs?: number;
}

/** Another host: a network namespace behind a link whose weather is made here. Needs root, and a namespace of our own. */
export interface OtherHost {
  /** Of this host, seen from the other one. */
  readonly address: string;
  /** Runs a command there. */
  readonly prefix: readonly string[];
  setWeather(weather: Weather): Promise<void>;
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

export async function startOtherHost(): Promise<OtherHost> {
  const [middle, there] = await Promise.all([startNamespace(), startNamespace()]);
  for (const [end, peer] of [
    ['here', 'middle0'],
    ['there', 'middle1'],
  ] as const) {
    ip('link', 'add', end, 'type', 'veth', 'peer', 'name', peer);
    ip('link', 'set', peer, 'netns', String(middle.pid));
  }
  whenFinished(() => ip('link', 'delete', 'here'));
  ip('link', 'set', 'there', 'netns', String(there.pid));
  await setUp([], 'here', HERE);
  await setUp(inside(there), 'there', THERE);
  for (const name of ['middle0', 'middle1']) within(middle, 'ip', 'link', 'set', name, 'up');
  const [program, ...rest] = [...inside(middle), 'python3', LINK, 'forward', 'middle0', 'middle1'];
  const link = spawn(program, rest, { stdio: ['pipe', 'pipe', 'ignore'] });
  whenFinished(() => void link.kill('SIGKILL'));
  const setWeather = ({ requestLoss = 0, answerLoss = 0, delayMs = 0 }: Weather): Promise<void> =>
    new Promise((resolve, reject) => {
      link.once('exit', reject);
      link.stdout.once('data', () => {
        link.removeListener('exit', reject);
        resolve();
      });
      link.stdin.write(`${answerLoss} ${requestLoss} ${delayMs}\n`);
    });
  await setWeather({});
  return { address: HERE, prefix: inside(there), setWeather };
}

async function startNamespace(): Promise<ChildProcess> {
  const child = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  whenFinished(() => void child.kill('SIGKILL'));
  const own = execFileSync('readlink', ['/proc/self/ns/net']).toString();
  await until('a network namespace is there', () => {
    const its = execFileSync('readlink', [`/proc/${child.pid}/ns/net`]).toString();
    return its !== own;
  });
  return child;
}

const inside = ({ pid }: ChildProcess): string[] => ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];

function within(namespace: ChildProcess, ...command: string[]): void {
  const [program = '', ...rest] = [...inside(namespace), ...command];
  execFileSync(program, rest, { stdio: 'pipe' });
}

async function setUp(prefix: readonly string[], name: string, address: string): Promise<void> {
  for (const command of [
    ['ip', 'link', 'set', 'lo', 'up'],
    ['ip', 'address', 'add', `${address}/24`, 'dev', name],
    ['ip', 'link', 'set', name, 'up'],
    ['python3', LINK, 'plain', name],
  ]) {
    const [program = '', ...rest] = [...prefix, ...command];
    execFileSync(program, rest, { stdio: 'pipe' });
  }
}
