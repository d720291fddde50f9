import { statSync } from 'node:fs';
import { devNull } from 'node:os';
import { resolve } from 'node:path';

import { withoutCredentials } from '../../core/credentials.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import type { Verdict } from '../../verify/judge.js';
import { isServer } from '../../locks/list.js';
import { parseLocation } from '../../verify/location.js';
import { serveParty } from '../../verify/party.js';
import { verifyServer } from '../../verify/server.js';
import type { BucketReport } from '../../verify/bucket/verify-bucket.js';
import { verify, type VerifyOptions } from '../../verify/verify.js';
import { SignalCancel } from '../cancel.js';
import { printJson } from '../envelope.js';
import { EXIT } from '../exit-codes.js';
import { note, printPayload } from '../output.js';
import { print } from '../print.js';
import { proseWidth } from '../terminal.js';
import { renderBucketVerification, renderVerification } from '../render/verification.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';
import { UsageError } from '../usage-error.js';

export const spec: CommandForm = {
  name: 'verify',
  summary: 'Prove or refute that locks exclude on a file system or store',
  usage: [
    'verify [OPTIONS] DIR',
    'verify [OPTIONS] --peer [HOST:]PATH DIR',
    'verify [-q] [--rounds N] [--json] s3://BUCKET/PREFIX',
    'verify [--json] SERVER',
  ],
  description: [
    'Lets two processes race in a folder of their own inside DIR, for about 15 s: exclusive create, link, rename, what each sees of the other and when, time stamps, kernel locks and leases, with a holder that is killed and one that is stopped. Says of flock and of lease whether they are safe there, and why. The folder goes afterwards.',
    'Both processes work in DIR unless --peer names another path to the same directory: a second mount, or one on another host, where "holdfast verify --serve" is started through ssh. Only that proves whether locks exclude between hosts.',
    'Of a server (etcd://..., redis://..., postgres://...) it says whether its settings and its version are fit for locks.',
    'On a store (s3://...) it makes objects below PREFIX/.holdfast-verify: creates and replaces them twice, with current and stale tags, reads after each write, and lets 32 writes at once race for each of N objects; one may land. It removes the objects. By default about 9 000 requests, which AWS sells for about $0.04.',
    'Exits 0 when the store, or the backend that a plain path in DIR gets, is safe, 78 when it is not, and 76 when that is not known.',
  ],
  options: [
    { name: 'peer', value: '[HOST:]PATH', help: 'Where the second process works', default: 'DIR' },
    { name: 'rsh', value: 'CMD', help: 'What starts a process on HOST', default: 'ssh' },
    { name: 'rounds', value: 'N', kind: 'count', help: 'Races per check', default: '40; 100 on a store' },
    {
      name: 'lease',
      value: 'DUR',
      kind: 'duration',
      help: 'Lease duration to try, longer on slow shares',
      default: '2s',
    },
    { name: 'quiet', short: ['q'], help: 'Say nothing about the progress' },
    { name: 'serve', help: 'Be the peer of another verification: obey orders on stdin' },
    JSON_OPTION,
  ],
  positionals: [
    {
      name: 'DIR|STORE|SERVER',
      help: 'A directory or the prefix of a bucket that may be written to, or a server',
      completes: 'directory',
    },
  ],
  examples: [
    { command: 'holdfast verify /mnt/share', help: 'What one host can prove' },
    { command: 'holdfast verify --peer build2:/mnt/share /mnt/share', help: 'Between two hosts' },
    { command: 'holdfast verify s3://builds/locks', help: 'Whether a store honours conditions' },
  ],
};

const EXIT_OF: Readonly<Record<Verdict, number>> = {
  safe: EXIT.ok,
  unsafe: EXIT.config,
  unknown: EXIT.lost,
};

const MAX_ROUNDS = 10_000;
const MIN_LEASE_MS = 1_000;
const MAX_LEASE_MS = 600_000;

export async function execute(args: ParsedArguments): Promise<number> {
  const [path = '.'] = args.positionals;
  if (isServer(path)) {
    for (const name of ['peer', 'rsh', 'lease', 'serve']) {
      if (args.has(name)) throw new UsageError(`--${name} is for directories`, 'verify');
    }
    return path.startsWith('s3://')
      ? cancelable((signal) => verifyStore(args, path, signal))
      : verifyThere(args, path);
  }
  const directory = directoryAt(path);
  if (args.has('serve')) return serve(directory);
  return cancelable(async (signal) => {
    const report = await verify(directory, optionsOf(args, signal));
    const isSafe = report.backends[report.chosen].verdict === 'safe';
    const exitCode = EXIT_OF[report.backends[report.chosen].verdict];
    if (args.has('json')) printJson(args, { isSafe, ...report }, exitCode);
    else print(...renderVerification(report, proseWidth()));
    if (report.leftBehind !== undefined) note(`holdfast: could not remove "${report.leftBehind}"`);
    return exitCode;
  });
}

/** Signals end it with a message, once what it made has been removed. */
async function cancelable(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const cancel = new SignalCancel();
  cancel.arm();
  try {
    return await work(cancel.signal);
  } catch (error) {
    if (cancel.received === undefined) throw error;
    note('holdfast: verification canceled');
    return cancel.received === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
  } finally {
    cancel.disarm();
  }
}

async function verifyStore(args: ParsedArguments, store: string, signal: AbortSignal): Promise<number> {
  const rounds = roundsOf(args);
  const { verifyBucket } = await import('../../verify/bucket/verify-bucket.js');
  const report: BucketReport = await verifyBucket(store, {
    signal,
    ...(rounds !== undefined && { rounds }),
    ...(!args.has('quiet') && { onCheck: (check) => note(`holdfast: trying ${check}`) }),
  });
  const exitCode = EXIT_OF[report.verdict];
  if (args.has('json')) printJson(args, report, exitCode);
  else print(...renderBucketVerification(report, proseWidth()));
  if (report.leftBehind !== undefined) note(`holdfast: could not remove ${report.leftBehind}`);
  return exitCode;
}

function roundsOf(args: ParsedArguments): number | undefined {
  const rounds = args.number('rounds');
  if (rounds !== undefined && (rounds < 1 || rounds > MAX_ROUNDS)) {
    throw new UsageError(`--rounds must be 1 to ${MAX_ROUNDS}, not ${rounds}`, 'verify');
  }
  return rounds;
}

async function verifyThere(args: ParsedArguments, server: string): Promise<number> {
  const report = await verifyServer(server);
  const exitCode = report.isSafe ? EXIT.ok : EXIT.config;
  if (args.has('json')) return printJson(args, { ...report }, exitCode);
  print({
    parts: [
      `${report.backend}: ${report.isSafe ? 'nothing is known against' : 'not safe on'} ${report.address}`,
    ],
  });
  for (const weakness of report.weaknesses) print({ parts: [weakness] });
  return exitCode;
}

/** Throws unless it is a directory here. */
function directoryAt(path: string): string {
  const directory = resolve(path);
  try {
    if (statSync(directory).isDirectory()) return directory;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && errno !== 'ENOENT') throw systemError('verify', directory, errno, error);
    throw new UsageError(`"${directory}" does not exist`, 'verify');
  }
  throw new UsageError(`"${withoutCredentials(directory)}" is not a directory`, 'verify');
}

function optionsOf(args: ParsedArguments, signal: AbortSignal): VerifyOptions {
  const [rounds, leaseMs] = [roundsOf(args), args.durationMs('lease')];
  if (leaseMs !== undefined && !(leaseMs >= MIN_LEASE_MS && leaseMs <= MAX_LEASE_MS)) {
    throw new UsageError('--lease must be 1s to 10m', 'verify');
  }
  const [location, rsh] = [args.text('peer'), args.text('rsh')];
  const peer = location === undefined ? undefined : parseLocation(location);
  if (peer !== undefined && peer.host === undefined) directoryAt(peer.path);
  return {
    signal,
    ...(peer !== undefined && { peer }),
    ...(rsh !== undefined && { remoteShell: rsh.split(' ').filter((word) => word !== '') }),
    ...(rounds !== undefined && { rounds }),
    ...(leaseMs !== undefined && { leaseMs }),
    ...(!args.has('quiet') && { onCheck: (check) => note(`holdfast: trying ${check}`) }),
  };
}

async function serve(directory: string): Promise<number> {
  // What a verification remembers of holders is its own: no other one may build on it.
  process.env['XDG_STATE_HOME'] = devNull;
  // The giver of orders says when it is over; a signal to the whole group of a terminal is for that process.
  process.on('SIGINT', () => undefined);
  await serveParty(directory, process.stdin, (line) => printPayload(`${line}\n`));
  // A lock that is still waited for would keep the process alive.
  process.exit(EXIT.ok);
}
