import { claim, type ClaimItem, type ClaimOptions, type ClaimResult } from '../../../claims/index.js';
import { SignalCancel } from '../../cancel.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { withClaimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { ParsedArguments } from '../../spec.js';
import { asUsage, claimsOptions, texts } from './options.js';
import { holderText } from './text.js';

const EXIT_OF = {
  claimed: EXIT.ok,
  'already-held': EXIT.ok,
  contended: EXIT.contended,
  done: EXIT.contended,
  lost: EXIT.lost,
  unconfirmed: EXIT.lost,
} as const;

/** Claims `ids`, prints what became of each, and returns the exit code. */
export async function claimAndShow(
  args: ParsedArguments,
  ids: readonly string[],
  more: Pick<ClaimOptions, 'any' | 'takeOver'>,
): Promise<number> {
  const options = { ...(await claimsOptions(args)), ...texts(args, 'branch', 'reason', 'base'), ...more };
  const result = await asUsage(args, () =>
    args.has('wait') ? claimWaiting(ids, options) : claim(ids, options),
  );
  const exitCode = EXIT_OF[result.outcome];
  if (args.has('json'))
    return printJson(args, { ...result, items: result.items.map(withClaimJson) }, exitCode);
  if (more.any === true && exitCode === EXIT.contended) noneText(result);
  else for (const item of result.items) show(item);
  return exitCode;
}

async function claimWaiting(ids: readonly string[], options: ClaimOptions): Promise<ClaimResult> {
  const cancel = new SignalCancel();
  cancel.arm();
  let shown = '';
  const onWait = ({ items }: ClaimResult): void => {
    const first = items.find(({ outcome }) => outcome === 'contended');
    const text = first === undefined ? 'contended' : contendedText(first);
    if (text !== shown) note(`waiting: ${text}; looking each 5 s or so, Ctrl-C to cancel`);
    shown = text;
  };
  try {
    return await claim(ids, { ...options, waitMs: Infinity, onWait, signal: cancel.signal });
  } finally {
    cancel.disarm();
  }
}

/** Of any of several, when there is none. */
function noneText({ items }: ClaimResult): void {
  const done = items.filter(({ outcome }) => outcome === 'done').length;
  if (done === items.length) return note(`done: all of ${items.length}`);
  const stale = items.filter((item) => item.claim?.isStale === true).map(({ id }) => id);
  note(`contended: none of ${items.length} is free${done > 0 ? `, ${done} are done` : ''}`);
  if (stale.length > 0)
    note(`stale: ${stale.join(' ')}; take one with: holdfast claims steal ${stale[0] ?? ''}`);
}

function contendedText({ id, claim: current, cause }: ClaimItem): string {
  if (current === undefined)
    return `${id} is claimed by ${cause === undefined ? 'others, one after another' : `others: ${cause}`}`;
  const isOther = current.id.toLowerCase() !== id.toLowerCase();
  return `${id} ${isOther ? `overlaps with ${current.id}, which` : ''} is claimed by ${holderText(current)}`.replace(
    '  ',
    ' ',
  );
}

function show(item: ClaimItem): void {
  const { id, outcome, claim: current, cause } = item;
  switch (outcome) {
    case 'claimed':
      return print(`claimed ${id}`);
    case 'already-held':
      return print(`already yours: ${id}`);
    case 'contended':
      return note(
        `contended: ${contendedText(item)}${current?.isElsewhere === true ? '. That is this agent in another clone; to take it from there: --take-over' : ''}`,
      );
    case 'lost':
      return note(
        `lost: ${id} was yours, and is now claimed by ${current === undefined ? 'no one' : holderText(current)}`,
      );
    case 'unconfirmed':
      return note(
        `unconfirmed: ${id} may or may not be yours: ${cause ?? 'no answer'}. Run the same command again.`,
      );
    case 'not-taken':
      return note(`not taken: ${id}`);
    case 'done':
      return note(`done: ${id}`);
  }
}
