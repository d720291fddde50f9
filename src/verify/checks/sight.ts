import { formatDuration } from '../../core/duration.js';
import { finding, type Finding } from '../finding.js';
import type { Seen } from '../party-files.js';
import { PATIENCE_MS, type CheckContext } from './context.js';

/** How long one party does not see what the other did, although it had looked before. */
export async function checkVisibility({ here, there }: CheckContext): Promise<Finding> {
  // The first looks fill whatever caches there are.
  await here.ask('write', 'seen', 1);
  await there.ask('seeVersion', 'seen', 1, PATIENCE_MS);
  await there.ask('seeName', 'new', 0);
  await there.ask('seeListed', 'listed', 0);
  await here.ask('createOnce', 'new');
  await here.ask('createOnce', 'listed');
  await here.ask('write', 'seen', 2);
  const [name, listing, content] = await Promise.all([
    there.ask('seeName', 'new', PATIENCE_MS),
    there.ask('seeListed', 'listed', PATIENCE_MS),
    there.ask('seeVersion', 'seen', 2, PATIENCE_MS),
  ]);
  const all: readonly (readonly [string, Seen])[] = [
    ['a new name', name],
    ['a listing', listing],
    ['new content', content],
  ];
  const late = all.filter(([, { isSeen }]) => !isSeen);
  const figures = {
    nameMs: round(name.afterMs),
    listingMs: round(listing.afterMs),
    contentMs: round(content.afterMs),
  };
  if (late.length > 0) {
    const what = late.map(([text]) => text).join(' and ');
    return finding(
      'visibility',
      'unknown',
      `${what} not seen within ${formatDuration(PATIENCE_MS)}`,
      figures,
    );
  }
  const detail = all.map(([text, { afterMs }]) => `${text} after ${formatDuration(afterMs)}`).join(', ');
  return finding('visibility', 'holds', detail, figures);
}

const REPLACING_MS = 300;

/** Readers must find the old content or the new one at every moment. */
export async function checkRenameOver({ here, there }: CheckContext): Promise<Finding> {
  await here.ask('write', 'over', 0);
  await there.ask('seeVersion', 'over', 0, PATIENCE_MS);
  const [refusals, seen] = await Promise.all([
    here.ask('replaceOften', 'over', REPLACING_MS),
    there.ask('readOften', 'over', REPLACING_MS),
  ]);
  const { reads, absent, torn, errnos } = seen;
  const figures = { reads, absent, torn, readErrnos: errnos.join(', '), renameErrnos: refusals.join(', ') };
  if (torn > 0 || absent > 0) {
    const text = `of ${reads} reads during replacements ${torn} were of half a file, ${absent} of none`;
    return finding('rename over', 'broken', text, figures);
  }
  if (refusals.length > 0) {
    const text = `now and then refused while the other reads (${refusals.join(', ')})`;
    return finding('rename over', 'refused', text, figures);
  }
  const also = errnos.length === 0 ? '' : `; reads failed with ${errnos.join(', ')}`;
  return finding(
    'rename over',
    'holds',
    `whole in each of ${reads} reads during replacements${also}`,
    figures,
  );
}

/** For people who compare time stamps; no lock here does. */
export async function checkTimes({ here, there }: CheckContext): Promise<Finding> {
  const ours = await here.ask('times');
  const theirs = await there.ask('times');
  const stepNs = Math.max(ours.stepNs, theirs.stepNs);
  const isApart = [ours, theirs].some(({ skewMs, skewErrorMs }) => Math.abs(skewMs) > skewErrorMs + 20);
  const skew = isApart
    ? `${signed(ours.skewMs)} to the clock here, ${signed(theirs.skewMs)} to the other's`
    : 'in step with the clocks';
  return finding('time stamps', 'holds', `in steps of ${stepText(stepNs)}, ${skew}`, {
    stepNs,
    skewHereMs: round(ours.skewMs),
    skewThereMs: round(theirs.skewMs),
    skewErrorMs: round(Math.max(ours.skewErrorMs, theirs.skewErrorMs)),
  });
}

function signed(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${formatDuration(Math.abs(ms))}`;
}

function stepText(stepNs: number): string {
  if (stepNs >= 1e9) return `${stepNs / 1e9} s`;
  if (stepNs >= 1e6) return `${stepNs / 1e6} ms`;
  return `${stepNs} ns`;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
