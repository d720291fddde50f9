import { readFileSync } from 'node:fs';

import { escapeText } from '../../core/escape.js';
import type { Trace } from '../../observe/trace-reader.js';
import type { TraceSummary } from '../../observe/trace-summary.js';
import { distUrl } from '../../platform/package-files.js';

/** More than a person can look at: the longest are kept. */
const SPANS_MAX = 60_000;
const TABLE_ROWS = 500;

export interface Page {
  readonly title: string;
  readonly trace: Trace;
  readonly summary: TraceSummary;
  /** Wall clock: what the forest of blockers shows first. */
  readonly momentMs?: number;
}

/** One page with everything in it: no request leaves it. Text of others is text, control characters are shown as such. */
export function pageHtml({ title, trace, summary, momentMs }: Page): string {
  const fromMs = summary.fromMs ?? 0;
  const toMs = summary.toMs ?? fromMs;
  const spans = longest(trace.spans);
  const locks = [...new Set(spans.map(({ lock }) => lock))];
  const indexes = new Map(locks.map((lock, index) => [lock, index]));
  const data = {
    lengthMs: toMs - fromMs,
    momentMs: Math.min(toMs, Math.max(fromMs, momentMs ?? busiest(spans))) - fromMs,
    processes: trace.processes.map(({ pid, program }) => escapeText(`${pid} ${program ?? ''}`.trim())),
    locks: locks.map(escapeText),
    spans: spans.map(({ kind, process, lock, startMs, endMs, outcome }) => [
      kind === 'wait' ? 0 : 1,
      process,
      indexes.get(lock),
      Number((startMs - fromMs).toFixed(3)),
      Number((endMs - fromMs).toFixed(3)),
      escapeText(outcome),
    ]),
  };
  const omitted = trace.spans.length - spans.length;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">`,
    `<title>${html(title)}</title><style>${asset('page.css')}</style></head><body><main>`,
    `<h1>${html(title)}</h1>`,
    `<p>${html(new Date(fromMs).toISOString())}, ${time(toMs - fromMs)}, ${trace.processes.length} processes, ${locks.length} locks`,
    omitted > 0 ? `; the ${omitted} shortest spans are left out of the picture` : '',
    '</p>',
    LANES,
    `<h2>By lock</h2>${table(
      ['Lock', 'Waits', 'Waited', 'Median', '95 %', 'Longest', 'Failed', 'Holds', 'Held', 'Lost'],
      summary.locks.map((one) => [
        one.lock,
        ...[one.waits, time(one.waitedMs), time(one.p50Ms), time(one.p95Ms), time(one.maxMs)],
        ...[one.failed, one.holds, time(one.heldMs), one.lost],
      ]),
    )}`,
    `<h2>By blocker</h2>${table(
      ['Process', 'Lock', 'Waiting caused', 'Holds'],
      summary.blockers.map((one) => [
        `${one.pid} ${one.program ?? ''}`,
        one.lock,
        time(one.causedMs),
        one.holds,
      ]),
    )}`,
    `<h2>Longest waits and holds</h2><details><summary>Show as a table</summary>${table(
      ['Process', 'What', 'Lock', 'From', 'For', 'Outcome'],
      byLength(trace.spans)
        .slice(0, TABLE_ROWS)
        .map(({ kind, process, lock, startMs, endMs, outcome }) => [
          data.processes[process] ?? '',
          kind === 'wait' ? 'waited' : 'held',
          lock,
          time(startMs - fromMs),
          time(endMs - startMs),
          outcome,
        ]),
    )}</details>`,
    `</main><script type="application/json" id="data">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>`,
    `<script>${asset('page.js')}</script></body></html>\n`,
  ].join('');
}

const LANES = `<div class="tools"><label>Lock <select id="filter"><option value="">all</option></select></label>
<button id="in" type="button">Zoom in</button><button id="out" type="button">Zoom out</button><button id="all" type="button">All</button>
<span id="range"></span></div>
<p id="help">A whole bar is a hold, the thin bar below it a wait, a line a handoff. Drag to zoom. With the keyboard: arrows choose, + and - zoom, 0 shows all, Enter shows that moment below.</p>
<div id="lanes" class="lanes" role="application" tabindex="0" aria-label="Lanes of processes" aria-describedby="help"><canvas role="img" aria-label="Waits and holds over time; the tables below have the same"></canvas></div>
<output id="detail" class="detail"></output>
<h2>Who waits for whom at <span id="at"></span></h2>
<input id="moment" type="range" min="0" max="1000" value="0" aria-label="Moment">
<div class="forest"><ul id="forest"></ul></div>`;

function asset(name: string): string {
  return readFileSync(distUrl(`cli/view/page/${name}`), 'utf8');
}

function byLength(spans: Trace['spans']): Trace['spans'] {
  return spans.toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
}

function longest(spans: Trace['spans']): Trace['spans'] {
  if (spans.length <= SPANS_MAX) return spans;
  return byLength(spans)
    .slice(0, SPANS_MAX)
    .toSorted((a, b) => a.startMs - b.startMs);
}

/** In the middle of the longest wait. */
function busiest(spans: Trace['spans']): number {
  const [wait] = byLength(spans.filter(({ kind }) => kind === 'wait'));
  return wait === undefined ? 0 : (wait.startMs + wait.endMs) / 2;
}

function table(titles: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const isNumber = (index: number): boolean =>
    rows.length > 0 && rows.every((row) => /^\d/.test(String(row[index])) && index > 0);
  const cell = (tag: string, text: string | number, index: number): string =>
    `<${tag}${isNumber(index) ? ' class="number"' : ''}${tag === 'th' ? ' scope="col"' : ''}>${html(String(text))}</${tag}>`;
  const head = titles.map((title, index) => cell('th', title, index)).join('');
  const body = rows
    .map((row) => `<tr>${row.map((text, index) => cell('td', text, index)).join('')}</tr>`)
    .join('');
  const empty = rows.length === 0 ? `<tr><td colspan="${titles.length}">none</td></tr>` : '';
  return `<div class="scroll" tabindex="0" role="region" aria-label="${html(titles.join(', '))}"><table><thead><tr>${head}</tr></thead><tbody>${body}${empty}</tbody></table></div>`;
}

function time(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}

function html(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return escapeText(text).replace(/[&<>"']/g, (character) => named[character] ?? character);
}
