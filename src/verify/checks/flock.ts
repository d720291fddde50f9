import { formatDuration } from '../../core/duration.js';
import { sleep } from '../../platform/clock.js';
import type { Contact } from '../contact.js';
import { finding, plural, type Finding } from '../finding.js';
import type { Asked } from '../party-locks.js';
import { contest } from './contest.js';
import type { CheckContext } from './context.js';

const NAME = 'flock.lock';
const TRIES = 5;
const WAIT_MS = 10_000;
const CONTEST_MS = 5_000;

function take(party: Contact, timeoutMs: number, mode: 'exclusive' | 'shared' = 'exclusive'): Promise<Asked> {
  return party.ask('lock', 'flock', NAME, { timeoutMs, mode });
}

function giveBack(party: Contact): Promise<string | undefined> {
  return party.ask('unlock', NAME);
}

/** Exclusion of two opens: tries, a wait that is woken, and a contest. */
export async function checkFlock(context: CheckContext): Promise<Finding> {
  const { here, there, clock } = context;
  const first = await take(here, 0);
  if (first.kind !== 'held') return refusal(first);
  const second = await tryBeside(context);
  if (second !== undefined) return second;
  const waiting = take(there, WAIT_MS);
  await sleep(100);
  const releasedAt = clock.now();
  await giveBack(here);
  const woken = await waiting;
  if (woken.kind !== 'held') {
    return finding('flock', 'unknown', `a waiter was not woken within ${formatDuration(WAIT_MS)}`);
  }
  const handoffMs = clock.now() - releasedAt;
  await giveBack(there);
  return compete(context, handoffMs);
}

/** What is wrong with tries beside a holder; undefined when all of them are refused. */
async function tryBeside({ here, there }: CheckContext): Promise<Finding | undefined> {
  for (let round = 0; round < TRIES; round++) {
    const asked = await take(there, 0);
    if (asked.kind === 'busy') continue;
    await Promise.all([giveBack(there), giveBack(here)]);
    if (asked.kind === 'failed') return refusal(asked);
    return finding('flock', 'broken', 'both were given the lock', { overlaps: 1 });
  }
  return undefined;
}

/** Three, two of them on one host: Linux's SMB client mixes up the locks of one host's processes. */
async function compete(context: CheckContext, handoffMs: number): Promise<Finding> {
  const { here, sibling, there } = context;
  const limit = { rounds: context.rounds, withinMs: CONTEST_MS };
  const { holds, overlaps, isShared, failures } = await contest(
    context,
    [here, sibling, there],
    (party) => take(party, WAIT_MS),
    giveBack,
    (party) => party.ask('believes', NAME),
    limit,
  );
  const figures = { holds, overlaps, handoffMs: Math.round(handoffMs * 10) / 10 };
  if (overlaps > 0) {
    return finding('flock', 'broken', `two were inside in ${overlaps} of ${plural(holds, 'hold')}`, figures);
  }
  if (failures.length > 0) return finding('flock', 'refused', failures.join('; '), figures);
  if (!isShared) return finding('flock', 'unknown', 'one of them never got it', figures);
  const text = `no overlap in ${plural(holds, 'hold')}, handed on after ${formatDuration(handoffMs)}`;
  return finding('flock', 'holds', text, figures);
}

/** Readers together, writers alone. */
export async function checkFlockShared({ here, there }: CheckContext): Promise<Finding> {
  const one = await take(here, 0, 'shared');
  const two = await take(there, 0, 'shared');
  const areTogether = one.kind === 'held' && two.kind === 'held';
  await giveBack(there);
  const writer = one.kind === 'held' ? await take(there, 0) : undefined;
  if (writer?.kind === 'held') await giveBack(there);
  await giveBack(here);
  if (writer?.kind === 'held') return finding('flock shared', 'broken', 'a writer got in beside a reader');
  if (!areTogether) {
    const failed = [one, two].find(({ kind }) => kind === 'failed');
    const why = failed?.kind === 'failed' ? failed.fact : 'two readers exclude each other';
    return finding('flock shared', 'refused', why);
  }
  return finding('flock shared', 'holds', 'two readers together, no writer beside one');
}

/** What the death of its holder leaves. Ends the party here. */
export async function checkFlockFreed({ here, there, clock }: CheckContext): Promise<Finding> {
  const held = await take(here, WAIT_MS);
  if (held.kind !== 'held') return { ...refusal(held), check: 'flock freed' };
  const waiting = take(there, WAIT_MS);
  await sleep(50);
  const killedAt = clock.now();
  await here.kill();
  const next = await waiting;
  const freedMs = clock.now() - killedAt;
  await giveBack(there);
  if (next.kind !== 'held') {
    const text = `still held ${formatDuration(WAIT_MS)} after its holder was killed`;
    return finding('flock freed', 'unknown', text);
  }
  const text = `${formatDuration(freedMs)} after its holder was killed`;
  return finding('flock freed', 'holds', text, { freedMs: Math.round(freedMs) });
}

function refusal(asked: Exclude<Asked, { kind: 'held' }>): Finding {
  if (asked.kind === 'busy') return finding('flock', 'unknown', 'another process holds it');
  return finding('flock', 'refused', asked.fact, { code: asked.code });
}
