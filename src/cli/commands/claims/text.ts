import type { Claim } from '../../../claims/index.js';
import { formatDuration } from '../../../core/duration.js';
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

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'AGENT' },
  { title: 'SINCE' },
  { title: 'BRANCH' },
  { title: 'STATE' },
  { title: 'REASON', isElastic: true },
];

/** One line per claim, as `git lfs locks` and `ls -l` do it; nothing is cut in a pipe. */
export function claimsTable(claims: readonly Claim[]): Line[] {
  return tableFor(
    COLUMNS,
    claims.map((claim) => {
      const { id, agent, sinceAt, branch = '-', reason = '' } = claim;
      return [id, agent, shortTime(sinceAt), branch, stateOf(claim), reason];
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

function stateOf(claim: Claim): string {
  const marks: string[] = [];
  if (claim.isMine) marks.push('yours');
  if (claim.isElsewhere) marks.push('yours, elsewhere');
  if (claim.isStale) marks.push(`stale for ${formatDuration(claim.unchangedMs)}`);
  if (claim.signature === 'bad' || claim.signature === 'none')
    marks.push(claim.signature === 'bad' ? 'BAD SIGNATURE' : 'unsigned');
  return marks.join(', ') || 'held';
}
