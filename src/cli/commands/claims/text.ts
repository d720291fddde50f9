import type { Claim, ContinuedItem } from '../../../claims/index.js';
import { formatDuration } from '../../../core/duration.js';
import { EXIT } from '../../exit-codes.js';
import { type Line } from '../../print.js';
import { tableWidth } from '../../terminal.js';
import { renderTable, type Column } from '../../render/table.js';

/** `ada on build-7 since 2026-11-20T18:00:00Z "reason"`: whom to ask. */
export function holderText(claim: Claim): string {
  const parts = [claim.agent];
  if (claim.host !== undefined && !`${claim.agent}/`.includes(`@${claim.host}/`))
    parts.push(`on ${claim.host}`);
  parts.push(`since ${shortTime(claim.sinceAt)}`);
  if (claim.branch !== undefined) parts.push(`on branch ${claim.branch}`);
  if (claim.reason !== undefined) parts.push(`"${claim.reason}"`);
  return parts.join(' ');
}

/** Exit codes of a hold that was to go on. */
export const CONTINUED_EXIT = {
  renewed: EXIT.ok,
  noted: EXIT.ok,
  lost: EXIT.lost,
  'not-held': EXIT.lost,
  unconfirmed: EXIT.lost,
  failed: EXIT.permission,
} as const;

/** Why it did not go on. */
export function continuedText({ id, outcome, claim, cause }: ContinuedItem): string {
  const holder = claim === undefined ? '' : ` is claimed by ${holderText(claim)}`;
  return `${outcome}: ${id}${holder}${cause === undefined ? '' : `: ${cause}`}`;
}

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'AGENT' },
  { title: 'SINCE' },
  { title: 'ALIVE' },
  { title: 'PROGRESS' },
  { title: 'BRANCH' },
  { title: 'STATE' },
  { title: 'REASON', isElastic: true },
];

/** One line per claim, as `git lfs locks` and `ls -l` do it; nothing is cut in a pipe. */
export function claimsTable(claims: readonly Claim[]): Line[] {
  return tableFor(
    COLUMNS,
    claims.map((claim) => {
      const { id, agent, alive, progress, branch = '-' } = claim;
      const clocks = [shortTime(claim.sinceAt), ago(alive.agoMs), ago(progress.agoMs)];
      return [id, agent, ...clocks, branch, stateOf(claim), aboutOf(claim)];
    }),
  );
}

export function tableFor(columns: readonly Column[], rows: readonly (readonly string[])[]): Line[] {
  return renderTable(columns, rows, tableWidth());
}

/** Without fractions of a second, which are no help to people. */
export function shortTime(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}

/** `3 min ago`, in one unit: for a glance at many. */
export function ago(durationMs: number): string {
  const minutes = Math.floor(durationMs / 60_000);
  if (durationMs < 1_000) return 'now';
  if (minutes < 1) return `${Math.floor(durationMs / 1_000)} s ago`;
  if (minutes < 120) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`;
}

/** What it is for, and how far its agent is. */
function aboutOf({ reason, note }: Claim): string {
  return [reason, note === undefined ? undefined : `note: ${note}`]
    .filter((part) => part !== undefined)
    .join('; ');
}

function stateOf(claim: Claim): string {
  const marks: string[] = [];
  if (claim.isMine) marks.push('yours');
  if (claim.isElsewhere) marks.push('yours, elsewhere');
  if (claim.isStale) marks.push(`stale for ${formatDuration(claim.unchangedMs)}`);
  if (claim.isQuiet) marks.push(`quiet for ${formatDuration(claim.progress.agoMs)}`);
  if (claim.signature === 'bad' || claim.signature === 'none')
    marks.push(claim.signature === 'bad' ? 'BAD SIGNATURE' : 'unsigned');
  return marks.join(', ') || 'held';
}
