import type { BucketReport } from '../../verify/bucket/verify-bucket.js';
import type { Finding, Outcome } from '../../verify/finding.js';
import type { Verdict } from '../../verify/judge.js';
import type { VerifyReport } from '../../verify/verify.js';
import type { Line } from '../print.js';
import type { Style } from './style.js';
import { wrap } from './text.js';

const STYLE: Readonly<Record<Outcome | Verdict, Style>> = {
  holds: 'green',
  safe: 'green',
  broken: 'red',
  unsafe: 'red',
  refused: 'yellow',
  unknown: 'yellow',
};

/** What was seen, then what follows from it. */
export function renderVerification(report: VerifyReport, width: number): Line[] {
  const { directory, peer, fileSystem, view, findings, backends, chosen } = report;
  const lines = table(findings, [
    ['directory', `${directory} on ${fileSystem.name} (${fileSystem.kind})`],
    ['peer', view === 'one mount' ? `${peer} (the same mount)` : `${peer} (${view})`],
  ]);
  lines.push('');
  for (const backend of ['flock', 'lease'] as const) {
    const { verdict, reasons } = backends[backend];
    lines.push({ parts: [`${backend}: `, { style: STYLE[verdict], text: verdict }] });
    for (const reason of reasons) lines.push(...wrap(reason, width, '  '));
  }
  lines.push('', conclusion(report, backends[chosen].verdict));
  return lines;
}

/** The same of a store. */
export function renderBucketVerification(report: BucketReport, width: number): Line[] {
  const { address, server, findings, verdict, reasons, requests } = report;
  const lines = table(findings, [
    ['store', `${address} on ${server}`],
    ['requests', String(requests)],
  ]);
  lines.push('', { parts: ['s3: ', { style: STYLE[verdict], text: verdict }] });
  for (const reason of reasons) lines.push(...wrap(reason, width, '  '));
  if (verdict === 'unsafe') lines.push('', 'No lock is safe on this store: use another one, or an engine.');
  if (verdict === 'unknown') lines.push('', 'Try again when the store is quiet.');
  return lines;
}

function table(
  findings: readonly Finding<string>[],
  head: readonly (readonly [name: string, value: string])[],
): Line[] {
  const names = [...head.map(([name]) => name), ...findings.map(({ check }) => check)];
  const nameWidth = Math.max(...names.map((name) => name.length)) + 2;
  const outcomeWidth = 'refused'.length + 2;
  const lines: Line[] = head.map(([name, value]) => name.padEnd(nameWidth) + value);
  for (const { check, outcome, detail } of findings) {
    const gap = ' '.repeat(outcomeWidth - outcome.length);
    lines.push({
      parts: [check.padEnd(nameWidth), { style: STYLE[outcome], text: outcome }, gap + detail],
    });
  }
  return lines;
}

function conclusion({ chosen, backends }: VerifyReport, verdict: Verdict): string {
  const text = `A plain path here is locked by ${chosen}, which is ${verdict === 'unknown' ? 'not known to be safe' : verdict}.`;
  const other = chosen === 'flock' ? 'lease' : 'flock';
  if (verdict === 'safe') return text;
  if (backends.flock.verdict === 'unsafe' && backends.lease.verdict === 'unsafe') {
    return `${text} By what was seen, no lock is safe here: use another file system, or an engine.`;
  }
  if (backends[other].verdict !== 'safe') return text;
  return `${text} Use ${other}:PATH.`;
}
