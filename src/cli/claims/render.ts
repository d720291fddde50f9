import type { Claim } from '../../claims/index.js';
import { formatDuration } from '../../core/duration.js';
import { fit, padEnd, singleLine } from '../render/text.js';

/** `ada on build-7 since 2026-11-20T18:00:00Z "reason"`: whom to ask. */
export function holderText(claim: Claim): string {
  const parts = [claim.agent];
  if (claim.host !== undefined && !claim.agent.endsWith(`@${claim.host}`)) parts.push(`on ${claim.host}`);
  parts.push(`since ${claim.sinceAt}`);
  if (claim.branch !== undefined) parts.push(`on branch ${claim.branch}`);
  if (claim.reason !== undefined) parts.push(`"${claim.reason}"`);
  return singleLine(parts.join(' '));
}

const HEADINGS = ['ID', 'AGENT', 'SINCE', 'BRANCH', 'STATE', 'REASON'] as const;
const WIDEST = [40, 30, 25, 30, 24, 60];

/** One line per claim, as `git lfs locks` and `ls -l` do it. */
export function claimsTable(claims: readonly Claim[]): string {
  const rows = [HEADINGS, ...claims.map(cells)];
  const widths = HEADINGS.map((_, column) =>
    Math.min(WIDEST[column] as number, Math.max(...rows.map((row) => (row[column] as string).length))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => padEnd(fit(cell, widths[column] as number), widths[column] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells(claim: Claim): readonly string[] {
  const { id, agent, sinceAt, branch = '-', reason = '' } = claim;
  return [id, agent, sinceAt.replace(/\.\d+Z$/, 'Z'), branch, stateOf(claim), reason].map(singleLine);
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
