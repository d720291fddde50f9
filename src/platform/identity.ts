import { readFileSync, readlinkSync } from 'node:fs';
import { hostname as osHostname } from 'node:os';

import { isSame, type ProcessIdentity } from '../core/holder.js';
import { withoutCredentials } from '../core/credentials.js';
import { replaceUnsafe } from '../core/escape.js';
import type { NativeAddon } from './native-contract.js';
import { loadNative } from './native.js';
import { isProcOurs, isZombie, readProcessStat } from './process-stat.js';

/** Caches the first answer; nothing is read before the first use. */
function once<T>(read: () => T): () => T {
  let answer: { readonly value: T } | undefined;
  return () => (answer ??= { value: read() }).value;
}

export const hostname: () => string = once(() => osHostname());

/** What the addon knows on platforms without /proc; undefined also where it cannot be loaded. */
function fromAddon<T>(read: (native: NativeAddon) => T | undefined): T | undefined {
  if (process.platform === 'linux') return undefined;
  try {
    return read(loadNative());
  } catch {
    return undefined;
  }
}

/** Changes with every boot of the kernel; undefined when it cannot be known. */
export const bootId: () => string | undefined = once(() => {
  if (process.platform !== 'linux') return fromAddon((native) => native.bootId());
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
});

/** A platform without namespaces has one of each, the same for all its processes. */
const NO_NAMESPACES = 0;

/** Inode of this process's pid namespace; 0 on platforms without such, undefined when it cannot be known (no /proc). */
export const pidNamespace: () => number | undefined = once(() =>
  process.platform === 'linux' ? namespaceInode('pid') : NO_NAMESPACES,
);

/** Inode of this process's time namespace; 0 on platforms without such and before Linux 5.6, undefined without /proc. */
export const timeNamespace: () => number | undefined = once(() => {
  if (process.platform !== 'linux') return NO_NAMESPACES;
  return namespaceInode('time') ?? (pidNamespace() === undefined ? undefined : NO_NAMESPACES);
});

/** Inode of the initial pid namespace (PROC_PID_INIT_INO), the one that sees every process of the kernel. */
const INITIAL_PID_NAMESPACE = 4026531836;

export function isInitialPidNamespace(): boolean {
  return pidNamespace() === INITIAL_PID_NAMESPACE && isProcOurs();
}

function namespaceInode(kind: 'pid' | 'time'): number | undefined {
  try {
    const inode = Number(/\[(\d+)\]$/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[1]);
    return Number.isNaN(inode) ? undefined : inode;
  } catch {
    return undefined;
  }
}

/** Start time as an opaque number that a reused pid does not share; undefined when unknown here or gone. */
export function processStartTime(pid: number): number | undefined {
  if (process.platform !== 'linux') return fromAddon((native) => native.processStartTime(pid));
  return isProcOurs() ? readProcessStat(pid)?.startTime : undefined;
}

/** This process, as others on this host can check it with {@link isProcessAlive}. */
export const ownIdentity: () => ProcessIdentity = once(() => ({
  pid: process.pid,
  startTime: processStartTime(process.pid),
  host: hostname(),
  bootId: bootId(),
  pidNamespace: pidNamespace(),
  timeNamespace: timeNamespace(),
}));

/**
 * Whether that very process still runs; undefined when this process cannot know: another host, boot or pid
 * namespace, or start times that do not compare. `false` is proof and may be acted upon; zombies and reused
 * pids count as dead. Sends no signal but the null signal.
 */
export function isProcessAlive(subject: ProcessIdentity): boolean | undefined {
  if (!isVisibleFromHere(subject)) return undefined;
  const existence = probePid(subject.pid);
  if (existence === 'gone') return false;
  const stat = isProcOurs() ? readProcessStat(subject.pid) : undefined;
  if (stat !== undefined && isZombie(stat)) return false;
  const startTime = stat === undefined ? processStartTime(subject.pid) : stat.startTime;
  if (startTime === undefined) {
    // It ended meanwhile, or it belongs to another user and /proc is mounted with hidepid.
    return probePid(subject.pid) === 'gone' ? false : isStatExpected() ? true : undefined;
  }
  if (subject.startTime === undefined || subject.startTime === startTime) return true;
  // A time namespace shifts the start times that /proc reports: unequal then proves nothing.
  return isSame(subject.timeNamespace, timeNamespace()) ? false : undefined;
}

/** Whether the pid of `subject` names the same process here: same boot, same pid namespace, both known. */
export function isVisibleFromHere({ pid, bootId: boot, pidNamespace: namespace }: ProcessIdentity): boolean {
  return Number.isInteger(pid) && pid > 0 && isSame(boot, bootId()) && isSame(namespace, pidNamespace());
}

function isStatExpected(): boolean {
  return process.platform !== 'linux' || isProcOurs();
}

/** EPERM means that it is there and not ours. */
function probePid(pid: number): 'exists' | 'gone' {
  try {
    process.kill(pid, 0);
    return 'exists';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'exists';
  }
}

/** The processes above `pid`, nearest first, as far as they can be followed; a process is not its own ancestor. */
export function* ancestorsOf(pid: number): Generator<number, void, undefined> {
  const seen = new Set([pid]);
  const parentOf = process.platform === 'linux' ? parentInProc : parentsInTable();
  let current = parentOf(pid);
  while (current !== undefined && current > 0 && !seen.has(current)) {
    yield current;
    seen.add(current);
    current = parentOf(current);
  }
}

function parentInProc(pid: number): number | undefined {
  if (pid === process.pid) return process.ppid;
  return isProcOurs() ? readProcessStat(pid)?.parentPid : undefined;
}

/** A pid that Windows still names as a parent may be another process's by now: a parent is not younger than its child. */
function parentsInTable(): (pid: number) => number | undefined {
  const table = new Map(processTable().map((entry) => [entry.pid, entry]));
  return (pid) => {
    const child = table.get(pid);
    const parent = table.get(child?.parentPid ?? 0);
    if (child === undefined || parent === undefined) return pid === process.pid ? process.ppid : undefined;
    return parent.startTime <= child.startTime ? parent.pid : undefined;
  };
}

export interface TableEntry {
  readonly pid: number;
  readonly parentPid: number;
  /** As {@link processStartTime} gives it; 0 where that is not known. */
  readonly startTime: number;
}

/** Every process, where the platform has no /proc; empty where the addon cannot be loaded. */
export function processTable(): readonly TableEntry[] {
  const facts = fromAddon((native) => native.processTable()) ?? [];
  return Array.from({ length: facts.length / 3 }, (_, index) => {
    const [pid = 0, parentPid = 0, startTime = 0] = facts.slice(3 * index, 3 * index + 3);
    return { pid, parentPid, startTime };
  });
}

/** The arguments of a process; undefined when they cannot be known, empty for a thread of the kernel. */
function argumentsOf(pid: number): string[] | undefined {
  if (!isProcOurs()) return undefined;
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    while (args.at(-1) === '') args.pop();
    return args;
  } catch {
    return undefined;
  }
}

const NODE = /^node(?:js)?(?:\.exe)?$/;
const OURS = /^holdfast(?:\.cjs)?$/;

/**
 * What a process runs, for people: the program without its directory, or the script that Node runs. Never an argument,
 * since those carry passwords. undefined when it cannot be known.
 */
export function programOf(pid: number): string | undefined {
  const args = argumentsOf(pid);
  if (args === undefined) {
    const path = fromAddon((native) => native.processProgram(pid));
    return path === undefined ? undefined : readable(withoutDirectory(path), PROGRAM_LENGTH);
  }
  if (args.length === 0) {
    const name = readProcessStat(pid)?.name;
    return name === undefined ? undefined : `[${name}]`;
  }
  // A process that set its title has all of it in the first argument.
  const program = withoutDirectory(args[0] ?? '').split(/[\s:]/, 1)[0] ?? '';
  const script = args[1] ?? '';
  const isScript = NODE.test(program) && script !== '' && !script.startsWith('-');
  return isScript ? scriptName(script) : readable(program, PROGRAM_LENGTH);
}

const PROGRAM_LENGTH = 60;

function scriptName(path: string): string {
  const name = withoutDirectory(path);
  return OURS.test(name) ? 'holdfast' : readable(name, PROGRAM_LENGTH);
}

/**
 * The command line for people, from the kernel: arguments joined by spaces, the program without its directory, control
 * characters replaced, credentials in URLs left out, at most `maxLength` characters. undefined when it cannot be known.
 * Arguments carry passwords: only for a user that asked for them, never for a record, a log or a message.
 */
export function commandOf(pid: number, maxLength = 80): string | undefined {
  const args = argumentsOf(pid);
  if (args === undefined || args.length === 0) return programOf(pid);
  const [program = '', ...rest] = args.map((word, index) => (index === 0 ? withoutDirectory(word) : word));
  const isOurs = NODE.test(program) && OURS.test(withoutDirectory(rest[0] ?? ''));
  return readable((isOurs ? ['holdfast', ...rest.slice(1)] : [program, ...rest]).join(' '), maxLength);
}

let described: readonly string[] | undefined;

/** Names this process in records and messages by what it does for its user: the command that `run` runs. */
export function describeOwnCommand(words: readonly string[]): void {
  described = words;
}

function ownWords(): readonly string[] {
  return described ?? [process.argv[1] ?? 'node', ...process.argv.slice(2)];
}

/** The program that this process is known by in records. */
export function ownProgram(): string {
  return scriptName(ownWords()[0] ?? 'node') || 'node';
}

/** What this process runs, for the records of a user that asked for that. */
export function ownCommand(): string {
  const [program = 'node', ...args] = ownWords();
  return readable([withoutDirectory(program), ...args].join(' '), 200);
}

/** Records outlive the process and are readable by others: no credentials of a URL, no control characters. */
function readable(text: string, maxLength: number): string {
  const clean = replaceUnsafe(withoutCredentials(text), '?');
  return clean.length <= maxLength ? clean : `${clean.slice(0, maxLength - 1)}…`;
}

function withoutDirectory(path: string): string {
  return path.replace(process.platform === 'win32' ? /^.*[\\/](?=.)/s : /^.*\/(?=.)/s, '');
}
