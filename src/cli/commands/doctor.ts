import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { isLockError } from '../../core/errors.js';
import { inspect, weaknesses } from '../../locks/inspect.js';
import { isServer } from '../../locks/list.js';
import { systemClock } from '../../platform/clock.js';
import { fileSystemKind, type FileSystemKind } from '../../platform/filesystem.js';
import { ownIdentity } from '../../platform/identity.js';
import { LOCK_DIRECTORY, LOCK_SHARED, type NativeAddon } from '../../platform/native-contract.js';
import { workingDirectory } from '../../platform/working-directory.js';
import { loadNative } from '../../platform/native.js';
import { openingMethod } from '../../files/open-own.js';
import { judgePlace } from '../../files/place.js';
import { chooseForPath, whyUnfit } from '../../locks/file-choice.js';
import { findConfigFile } from '../config-file.js';
import { printJson } from '../envelope.js';
import { EXIT } from '../exit-codes.js';
import { print } from '../print.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';
import { readAddress } from '../run/subject.js';
import { UsageError } from '../usage-error.js';
import { packageVersion } from './version.js';

export const spec: CommandForm = {
  name: 'doctor',
  summary: 'Show what works here, or whether a server or remote can be used',
  usage: ['doctor [OPTIONS] [DIR|ADDRESS]'],
  options: [JSON_OPTION],
  positionals: [
    {
      name: 'DIR|ADDRESS',
      help: 'Default: the current directory',
      isOptional: true,
      completes: 'directory',
    },
  ],
  examples: [
    { command: 'holdfast doctor /mnt/share', help: 'Before putting locks there' },
    { command: 'holdfast doctor redis://db1:6379', help: 'Does the server answer, with these credentials?' },
  ],
};

interface Finding {
  readonly name: string;
  readonly value: string;
  /** false: locks will not work here. */
  readonly isGood?: boolean;
}

/** Exits 0 when locks work here, 69 when they do not. */
export async function execute(args: ParsedArguments): Promise<number> {
  const [given = '.'] = args.positionals;
  const subject = subjectOf(given);
  const findings = subject.isPath ? await examine(subject.shown) : await examineAddress(given, subject.shown);
  const isHealthy = findings.every(({ isGood }) => isGood !== false);
  const exitCode = isHealthy ? EXIT.ok : EXIT.unavailable;
  if (args.has('json')) {
    return printJson(args, { isHealthy, subject: subject.shown, findings }, exitCode);
  }
  const width = Math.max(...findings.map(({ name }) => name.length));
  for (const { name, value, isGood } of findings) {
    const shown = isGood === false ? ({ style: 'red', text: value } as const) : value;
    print({ parts: [{ style: 'bold', text: name.padEnd(width) }, '  ', shown] });
  }
  return exitCode;
}

interface Subject {
  /** The directory, or the address without credentials. */
  readonly shown: string;
  readonly isPath: boolean;
}

/** What is examined: a directory, that of a lock file, or a server, remote or store. */
function subjectOf(given: string): Subject {
  const address = readAddress(withName(given), 'doctor');
  const { scheme, target } = address;
  if (scheme !== 'path' && scheme !== 'flock' && scheme !== 'lease') {
    return { shown: address.display, isPath: false };
  }
  const path = resolve(target);
  const directory = isDirectory(path) ? path : dirname(path);
  // A lock file need not exist; its directory must.
  if (!isDirectory(directory)) throw new UsageError(`"${directory}" is not a directory`, 'doctor');
  return { shown: directory, isPath: true };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The lock that is looked at where the address names none: it shows whether the server answers. */
const PROBE = 'holdfast-doctor';

function withName(given: string): string {
  return isServer(given) || /^git:[^#]+$/.test(given) ? `${given}#${PROBE}` : given;
}

async function examineAddress(given: string, shown: string): Promise<Finding[]> {
  const address = withName(given);
  const startedAt = systemClock.now();
  const answer: Finding[] = [];
  try {
    answer.push(...(await storeFindings(given)));
    const { backend, isHeld } = await inspect(address);
    const tookMs = Math.round(systemClock.now() - startedAt);
    answer.push(
      { name: 'backend', value: backend },
      { name: 'answers', value: `yes, after ${tookMs} ms`, isGood: true },
      ...(address === given ? [{ name: 'lock', value: isHeld ? 'held' : 'free' }] : []),
      ...(await weaknesses(address)).map((value) => ({ name: 'weakness', value })),
    );
  } catch (error) {
    if (!isLockError(error)) throw error;
    answer.push({ name: 'answers', value: error.message, isGood: false });
  }
  return [...ownFindings(), { name: 'address', value: shown }, ...answer];
}

/** What a store must do that no answer to a read shows. */
async function storeFindings(given: string): Promise<Finding[]> {
  if (!given.startsWith('s3://')) return [];
  const { proveBucket } = await import('../../locks/buckets.js');
  const { isUnquoted, isRemembered } = await proveBucket(withName(given));
  const how = isRemembered ? 'honoured, as seen within the last day' : 'honoured';
  return [
    { name: 'conditions', value: how, isGood: true },
    {
      name: 'tags',
      value: isUnquoted ? 'sent without quotes, as this store wants them' : 'sent as they come',
    },
  ];
}

function ownFindings(): Finding[] {
  return [
    { name: 'holdfast', value: packageVersion() },
    { name: 'node', value: `${process.versions.node} (${process.platform}-${process.arch})` },
  ];
}

/** Times since a boot mean nothing on another. */
const NO_BOOT_ID =
  'unknown: what one command saw of a lease or claim the next does not know. A command that waits takes over';

async function examine(directory: string): Promise<Finding[]> {
  const { host, bootId, pidNamespace, pid, startTime } = ownIdentity();
  const fileSystem = fileSystemKind(directory);
  const addon = tryAddon();
  const isLoaded = typeof addon !== 'string';
  return [
    ...ownFindings(),
    { name: 'addon', value: isLoaded ? 'loaded' : addon, isGood: isLoaded },
    { name: 'host', value: host ?? 'unknown' },
    { name: 'boot id', value: bootId ?? NO_BOOT_ID },
    { name: 'pid namespace', value: pidNamespace === undefined ? 'unknown' : String(pidNamespace) },
    { name: 'process', value: `${pid}, start time ${startTime ?? 'unknown: a dead holder is waited out'}` },
    { name: 'directory', value: directory },
    { name: 'file system', value: `${fileSystem.name} (${fileSystem.kind})` },
    backendFinding(directory),
    sharingFinding(directory),
    { name: 'files of ours', value: `opened by ${openingMethod()}` },
    proofFinding(directory, fileSystem),
    ...(isLoaded ? [kernelFinding(addon, directory), gateFinding()] : []),
    { name: 'configuration', value: findConfigFile(workingDirectory(), process.env) ?? 'none' },
  ];
}

function tryAddon(): NativeAddon | string {
  try {
    return loadNative();
  } catch (error) {
    return (error as Error).message;
  }
}

/** Asks the same code that `run` asks. */
function backendFinding(directory: string): Finding {
  const { backend, fileSystem, reason } = chooseForPath(join(directory, 'example.lock'));
  const unfit = whyUnfit(fileSystem.name);
  if (unfit !== undefined) return { name: 'backend', value: `none: ${unfit}`, isGood: false };
  return { name: 'backend', value: `${backend}: ${reason}` };
}

/** See docs/concepts/security.md. */
function sharingFinding(directory: string): Finding {
  const { fact, isGood } = judgePlace(directory);
  return { name: 'sharing', value: fact, isGood };
}

/** What is chosen by the name of a file system is an assumption; this is how it is tried. */
function proofFinding(directory: string, { kind }: FileSystemKind): Finding {
  const peer = kind === 'local' ? '' : `--peer HOST:${directory} `;
  return { name: 'proof', value: `not tried here: "holdfast verify ${peer}${directory}" tries it` };
}

/** Takes a shared lock on the directory itself for a moment: that creates nothing and stops only a try for an exclusive one. */
function kernelFinding(addon: NativeAddon, directory: string): Finding {
  const name = 'kernel locks';
  if (process.platform === 'win32') return { name, value: 'not tried: Windows locks files, not directories' };
  const result = addon.tryLock(directory, LOCK_SHARED | LOCK_DIRECTORY, 0, undefined);
  if (result > 0) addon.unlock(result);
  if (result > 0 || result === -constants.errno.EWOULDBLOCK)
    return { name, value: 'work (tried on the directory)' };
  return { name, value: `refused by the file system (errno ${-result})`, isGood: false };
}

/** The gate is a lock of another kind: an open-file-description lock on Linux, a second byte on Windows. macOS has none. */
function gateFinding(): Finding {
  const isThere = process.platform !== 'darwin';
  return {
    name: 'writer gate',
    value: isThere
      ? 'available: readers cannot starve writers'
      : 'not available: a crowd of readers can starve a writer',
  };
}
