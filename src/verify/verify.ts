import { join } from 'node:path';

import { isLockError, LockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { systemClock } from '../platform/clock.js';
import type { FileSystemKind } from '../platform/filesystem.js';
import { chooseForPath } from '../locks/file-choice.js';
import { checkFlock, checkFlockFreed, checkFlockShared } from './checks/flock.js';
import { confirmed } from './checks/confirmed.js';
import type { CheckContext } from './checks/context.js';
import { checkLease, checkLeaseTakeover } from './checks/lease.js';
import { checkBirth, checkExclusiveCreate, checkLink, checkRename, prepareRename } from './checks/races.js';
import { checkRenameOver, checkTimes, checkVisibility } from './checks/sight.js';
import { contactParty, type Contact, type ContactOptions } from './contact.js';
import { finding, type CheckId, type Finding } from './finding.js';
import { judge, type JudgedBackend, type Judgement, type View } from './judge.js';
import { knownFlaws } from './known.js';
import { formatLocation, type Location } from './location.js';
import type { Greeting } from './party.js';

export interface VerifyOptions {
  /** Where the other process works; default the same directory. */
  readonly peer?: Location;
  readonly remoteShell?: readonly string[];
  /** Races per check, 1 to 10 000. */
  readonly rounds?: number;
  readonly leaseMs?: number;
  readonly signal: AbortSignal;
  /** Called before each check. */
  readonly onCheck?: (check: CheckId) => void;
}

export interface VerifyReport {
  readonly directory: string;
  readonly peer: string;
  readonly fileSystem: FileSystemKind;
  readonly view: View;
  /** What a plain path in the directory is locked with. */
  readonly chosen: JudgedBackend;
  readonly backends: Readonly<Record<JudgedBackend, Judgement>>;
  readonly findings: readonly Finding[];
  /** What could not be removed afterwards. */
  readonly leftBehind: string | undefined;
}

const DEFAULT_ROUNDS = 40;
const DEFAULT_LEASE_MS = 2_000;

/** The peer has not looked there before, so nothing old is cached. */
const MEETING_MS = 5_000;

type Check = readonly [CheckId, (context: CheckContext) => Promise<Finding>];

/** `flock freed` ends the party here, so it is the last. */
const CHECKS: readonly Check[] = [
  ['exclusive create', checkExclusiveCreate],
  ['link', checkLink],
  [
    'rename',
    async (context) => {
      await prepareRename(context);
      return checkRename(context);
    },
  ],
  ['birth', checkBirth],
  ['rename over', checkRenameOver],
  ['visibility', checkVisibility],
  ['time stamps', checkTimes],
  ['flock', checkFlock],
  ['flock shared', checkFlockShared],
  ['lease', checkLease],
  ['lease takeover', checkLeaseTakeover],
  ['flock freed', checkFlockFreed],
];

/** Of checks that make no sense once another has failed. */
const NEEDS: Partial<Readonly<Record<CheckId, CheckId>>> = {
  'flock shared': 'flock',
  'flock freed': 'flock',
  'lease takeover': 'lease',
};

/** Those in which time plays a part, and which can be run again. */
const REPEATED: ReadonlySet<CheckId> = new Set<CheckId>(['flock', 'flock shared', 'lease', 'lease takeover']);

/**
 * Lets two processes, one in `directory` and one there or at the peer, prove or refute what locks need. Works in a folder
 * of its own, which goes afterwards. Takes about 15 s on a quick file system.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH when the two do not share a directory; HOLDFAST_PERMISSION, HOLDFAST_IO when
 *   a process cannot work there. Not guaranteed: what holds in some hundred races may fail in the next.
 */
export async function verify(directory: string, options: VerifyOptions): Promise<VerifyReport> {
  const { peer = { path: directory }, signal, remoteShell = ['ssh'] } = options;
  const crew = new Crew({ clock: systemClock, signal, remoteShell });
  try {
    // Makes the folder and takes it away: of the others one is killed in the course of the checks.
    const steward = await crew.hire({ path: directory });
    const folder = await steward.ask('openFolder').catch((error: unknown) => {
      throw cannotWork(directory, error);
    });
    const here = await crew.hire({ path: directory });
    const there = await crew.hire(peer);
    await meet(here, there, folder);
    const { rounds = DEFAULT_ROUNDS, leaseMs = DEFAULT_LEASE_MS } = options;
    const context = { here, there, sibling: steward, clock: systemClock, rounds, leaseMs };
    const findings = await runChecks(context, options.onCheck);
    await Promise.all([here.end(), there.end()]);
    const leftBehind = await steward.ask('removeFolder');
    return { ...report(here, there, findings), leftBehind };
  } finally {
    await crew.dismiss();
  }
}

/** Every worker that was started; ends them, the one that cleans up last. */
class Crew {
  readonly #options: ContactOptions;
  readonly #contacts: Contact[] = [];

  constructor(options: ContactOptions) {
    this.#options = options;
  }

  async hire(location: Location): Promise<Contact> {
    const contact = await contactParty(location, this.#options);
    this.#contacts.push(contact);
    return contact;
  }

  async dismiss(): Promise<void> {
    const [steward, ...rest] = this.#contacts;
    await Promise.all(rest.map((contact) => contact.end()));
    await steward?.end();
  }
}

/** Both go into the same folder, and see that it is the same. */
async function meet(here: Contact, there: Contact, folder: string): Promise<void> {
  const peer = formatLocation(there.location);
  await here.ask('enterFolder', folder);
  await there.ask('enterFolder', folder);
  const { errno } = await here.ask('createOnce', 'here');
  if (errno !== undefined) throw cannotWork(here.location.path, { code: errno });
  const { isSeen } = await there.ask('seeName', 'here', MEETING_MS);
  if (!isSeen) {
    throw new LockError(
      `Could not verify "${here.location.path}": what is made there is not seen in "${peer}" within ${MEETING_MS / 1_000} s. Name two paths to one directory.`,
      { code: 'HOLDFAST_CONFIG_MISMATCH', resource: here.location.path },
    );
  }
  const other = await there.ask('createOnce', 'there');
  if (other.errno !== undefined) throw cannotWork(peer, { code: other.errno });
}

function cannotWork(path: string, error: unknown): Error {
  return systemError('work in', path, errnoOf(error) ?? 'EIO', error);
}

async function runChecks(
  context: CheckContext,
  onCheck: VerifyOptions['onCheck'],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [check, run] of CHECKS) {
    const needed = findings.find((found) => found.check === NEEDS[check]);
    if (needed !== undefined && needed.outcome !== 'holds') continue;
    onCheck?.(check);
    const look = (): Promise<Finding> => run(context).catch((error: unknown) => trouble(check, error));
    findings.push(await (REPEATED.has(check) ? confirmed(look) : look()));
  }
  return findings;
}

/** An errno that a check did not expect is what it found; everything else ends the verification. */
function trouble(check: CheckId, error: unknown): Finding {
  const errno = isLockError(error) ? undefined : errnoOf(error);
  if (errno === undefined) throw error;
  return finding(check, 'refused', (error as Error).message, { errno });
}

function report(here: Contact, there: Contact, findings: readonly Finding[]) {
  const { fileSystem } = here.greeting;
  const flaws = [...knownFlaws(here.greeting), ...knownFlaws(there.greeting)].filter(
    ({ reason }, index, all) => all.findIndex((other) => other.reason === reason) === index,
  );
  const evidence = { findings, flaws, fileSystem, view: viewOf(here.greeting, there.greeting) };
  const directory = here.location.path;
  return {
    directory,
    peer: formatLocation(there.location),
    fileSystem,
    view: evidence.view,
    chosen: chooseForPath(join(directory, 'example.lock')).backend,
    backends: { flock: judge('flock', evidence), lease: judge('lease', evidence) },
    findings,
  };
}

function viewOf(here: Greeting, there: Greeting): View {
  const isOneKernel =
    here.bootId === undefined || there.bootId === undefined
      ? here.host === there.host
      : here.bootId === there.bootId;
  if (!isOneKernel) return 'two hosts';
  return here.device === there.device ? 'one mount' : 'two mounts';
}
