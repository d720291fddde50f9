import { checkOptions } from '../core/check-options.js';
import type { ClaimStore } from '../backends/git/index.js';
import { withoutCredentials } from '../core/credentials.js';
import { isLockError } from '../core/errors.js';
import type { ExecResult } from '../process/exec.js';
import { ownGitEnvironment } from '../process/git/environment.js';
import { gitFailure } from '../process/git/failure.js';
import { runGit } from '../process/git/run-git.js';
import { hookState } from './hook.js';
import { CLAIMS_OPTIONS, inSession, type ClaimsOptions, type Session } from './session.js';

/** One finding of {@link doctor}. */
export interface DoctorItem {
  /** What was checked. */
  readonly check: string;
  /** Whether it is in order. */
  readonly status: 'ok' | 'warning' | 'fault';
  /** What was found. */
  readonly fact: string;
  /** What to do about it. */
  readonly remedy?: string;
}

const CLAIMS = 'refs/heads/holdfast/claims/*';
const PATTERNS = [CLAIMS, 'refs/heads/holdfast', 'refs/heads/holdfast/claims'];

const FIRST_CLAIM = 'Make a claim, and release it: holdfast claim test, holdfast unclaim test';

/**
 * Finds out whether claims can work here: which URLs decide, whether git with the user's own settings and our git read the
 * same, and what stands in the way. Changes nothing at the remote.
 *
 * @throws TypeError for a name that no agent can have. Everything else is an item of the report.
 */
export async function doctor(options: ClaimsOptions = {}): Promise<readonly DoctorItem[]> {
  checkOptions(options, CLAIMS_OPTIONS);
  try {
    return await inSession(options, examine);
  } catch (error) {
    if (!isLockError(error) || error.isCanceled) throw error;
    return [{ check: 'remote', status: 'fault', ...splitMessage(error.message) }];
  }
}

/** The last sentence of a message is the next step. */
function splitMessage(message: string): Pick<DoctorItem, 'fact' | 'remedy'> {
  const end = message.lastIndexOf('. ');
  if (end < 0) return { fact: message };
  return { fact: message.slice(0, end), remedy: message.slice(end + 2).replace(/\.$/, '') };
}

async function examine(session: Session): Promise<readonly DoctorItem[]> {
  const { arbiter, store } = session;
  const { fetchUrl, pushUrl } = arbiter.remote;
  const urls = fetchUrl === pushUrl ? shown(pushUrl) : `fetches ${shown(fetchUrl)}, pushes ${shown(pushUrl)}`;
  const items: DoctorItem[] = [{ check: 'remote', status: 'ok', fact: `${arbiter.remote.name}: ${urls}` }];
  const theirs = await listOf(session);
  const ours = await store.git.run(
    ['ls-remote', '--refs', '--end-of-options', 'holdfast', ...PATTERNS],
    limitsOf(store),
  );
  items.push(...compared(theirs, ours));
  const refs = refsIn(ours.stdout);
  if (fetchUrl !== pushUrl) items.push(await pairItem(store, refs));
  items.push(formatItem(arbiter.format, refs));
  for (const branch of ['holdfast', 'holdfast/claims']) {
    if (refs.has(`refs/heads/${branch}`))
      items.push({
        check: 'branches',
        status: 'fault',
        fact: `the remote has a branch "${branch}", which leaves no room for holdfast/claims/*`,
        remedy: 'Rename that branch at the remote',
      });
  }
  const hidden = store.journal.allHeld().filter(({ ref }) => ours.code === 0 && !refs.has(ref));
  if (hidden.length > 0)
    items.push({
      check: 'hidden refs',
      status: 'warning',
      fact: `${hidden.length} claims of this clone are not listed: deleted, or hidden by the server`,
      remedy: 'Check uploadpack.hideRefs at the server, then run holdfast claims sync',
    });
  items.push(
    { check: 'agent', status: 'ok', fact: session.agent },
    await hookItem(session),
    signingItem(session),
  );
  return items;
}

function compared(theirs: ExecResult, ours: ExecResult): DoctorItem[] {
  const reach = (result: ExecResult): string =>
    result.code === 0 ? 'reaches it' : `does not reach it (${gitFailure(result.stderr).reason})`;
  const isSame = theirs.code === ours.code && theirs.stdout === ours.stdout;
  if (theirs.code === 0 && isSame)
    return [
      {
        check: 'access',
        status: 'ok',
        fact: `git reaches it, with ${refsIn(ours.stdout).size} branches of claims`,
      },
    ];
  const fact = `git with your settings ${reach(theirs)}, git of claims ${reach(ours)}`;
  const remedy =
    theirs.code === 0
      ? 'Look at git config --list --show-origin for what says how the remote is reached, and report it'
      : 'Make git ls-remote work first';
  const isRace = theirs.code === 0 && ours.code === 0;
  return [
    {
      check: 'access',
      status: isRace ? 'warning' : 'fault',
      fact: isRace ? 'the two saw different claims; one may just have been made' : fact,
      remedy: isRace ? 'Run it again' : remedy,
    },
  ];
}

async function pairItem(store: ClaimStore, refs: ReadonlyMap<string, string>): Promise<DoctorItem> {
  const check = 'push and fetch';
  if (store.isProven) return { check, status: 'ok', fact: 'what was pushed has been fetched' };
  const there = await store.git.listRemote('all', store.deadline, 'holdfast-arbiter');
  if (there === undefined)
    return {
      check,
      status: 'warning',
      fact: 'the push URL cannot be read; the first claim proves that both are one',
      remedy: FIRST_CLAIM,
    };
  const same = [...there].every(([ref, oid]) => refs.get(ref) === oid);
  if (same)
    return {
      check,
      status: 'warning',
      fact: 'the same claims so far; the first claim proves that both are one',
      remedy: FIRST_CLAIM,
    };
  return {
    check,
    status: 'fault',
    fact: 'the two URLs have different claims',
    remedy: 'Name the repository that decides: git config holdfast.remote URL',
  };
}

function formatItem(format: string, refs: ReadonlyMap<string, string>): DoctorItem {
  const [oid] = refs.values();
  const found = oid === undefined ? format : oid.length === 64 ? 'sha256' : 'sha1';
  const isSame = found === format;
  return {
    check: 'object format',
    status: isSame ? 'ok' : 'warning',
    fact: isSame ? format : `the remote has ${found}, the clone ${format}; each command notices it anew`,
    ...(!isSame && { remedy: 'Work in a clone of that remote' }),
  };
}

async function hookItem({ arbiter }: Session): Promise<DoctorItem> {
  const state = await hookState(arbiter.cwd, arbiter.env);
  const facts = {
    installed: 'the pre-push hook checks claims',
    other: 'another pre-push hook is there, which does not check claims',
    none: 'no pre-push hook checks claims',
  };
  const remedy =
    state === 'none' ? { remedy: 'If pushes are to be checked: holdfast claims hook install' } : {};
  return { check: 'hook', status: 'ok', fact: facts[state], ...remedy };
}

function signingItem({ arbiter }: Session): DoctorItem {
  return { check: 'signing', status: 'ok', fact: arbiter.signing.mode };
}

function listOf({ arbiter, store }: Session): Promise<ExecResult> {
  const args = ['ls-remote', '--refs', '--end-of-options', arbiter.remoteAsNamed, ...PATTERNS];
  return runGit(args, { cwd: arbiter.cwd, env: ownGitEnvironment(arbiter.env), ...limitsOf(store) });
}

function limitsOf({ deadline }: ClaimStore): { timeoutMs: number; signal: AbortSignal | undefined } {
  return { timeoutMs: deadline.leftMs() / 2, signal: deadline.signal };
}

function refsIn(stdout: string): Map<string, string> {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => line.split('\t').reverse() as [string, string]));
}

function shown(url: string): string {
  return withoutCredentials(url);
}
