// Results as a table on the terminal, as docs/reference/benchmarks.md with its charts, and as the README's table.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

import { chart, figure } from './chart.mjs';
import { growthChart } from './growth-chart.mjs';

const root = new URL('../', import.meta.url);
const RESULTS = new URL('results.json', import.meta.url);
const PAGE = new URL('docs/reference/benchmarks.md', root);
const CHARTS = new URL('docs/reference/charts/', root);
const BEGIN = '<!-- bench:begin (npm run bench writes this) -->';
const END = '<!-- bench:end -->';

export function readResults() {
  try {
    return JSON.parse(readFileSync(RESULTS, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

/** How far off its target a row was when its results were committed; undefined when it was not measured. */
export function committedExcess(id) {
  const rows = Object.values(readResults()).flatMap((suite) => suite.rows);
  return rows.find((row) => row.id === id)?.excess;
}

/** The suites that ran replace their former results; the others stay as they were measured. */
export function saveResults(fresh) {
  const results = { ...readResults(), ...fresh };
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 1)}\n`);
  return results;
}

/** Adds rows to suites, in place of their former ones. Rows of another machine do not stay beside them. */
export function addResults(fresh) {
  const known = readResults();
  const merged = Object.entries(fresh).map(([name, suite]) => {
    const before = isDeepStrictEqual(known[name]?.machine, suite.machine) ? known[name].rows : [];
    const ids = new Set(suite.rows.map(({ id }) => id));
    return [name, { ...suite, rows: [...before.filter(({ id }) => !ids.has(id)), ...suite.rows] }];
  });
  return saveResults(Object.fromEntries(merged));
}

export function machine() {
  const [cpu] = cpus();
  return {
    cpu: `${cpus().length} x ${cpu?.model.trim()}`,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}

export function targetText({ target }) {
  if (target === undefined) return '';
  if (target.ratioAtMost !== undefined) return `<= ${target.ratioAtMost} x ${target.to}`;
  if (target.ratioAtLeast !== undefined) return `>= ${target.ratioAtLeast} x faster than ${target.to}`;
  return target.atMost !== undefined ? `<= ${target.atMost}` : `>= ${target.atLeast}`;
}

function verdict(row) {
  if (row.excess === undefined) return '';
  const value = row.target.to === undefined ? figure(row.judged) : `${figure(row.judged)} x`;
  if (row.excess <= 1) return `${value}, met`;
  return `${value}, missed by ${Math.round((row.excess - 1) * 100)} %`;
}

function nameOf(row) {
  return row.fileSystem === undefined ? row.title : `${row.title}, ${row.fileSystem}`;
}

function peersOf(row) {
  return row.contestants
    .filter(({ name }) => name !== row.subject)
    .map(({ name, median }) => `${name} ${figure(median)}`)
    .join(', ');
}

function oursOf(row) {
  return row.contestants.find(({ name }) => name === row.subject)?.median ?? NaN;
}

/** For the terminal. */
export function printRows(title, rows) {
  console.log(`\n${title}`);
  for (const row of rows) {
    console.log(
      `  ${nameOf(row)}: ${figure(oursOf(row))} ${row.unit} (${peersOf(row)})` +
        (row.excess === undefined ? '' : `  target ${targetText(row)}: ${verdict(row)}`),
    );
  }
}

function suiteMarkdown(name, { title, machine: where, measuredAt, rows, notes }) {
  const lines = [
    `## ${title}`,
    '',
    `Measured ${measuredAt.slice(0, 10)} on ${where.cpu}, ${where.memoryGb} GB, Linux ${where.kernel}, Node ${where.node}; medians of ${Math.min(...rows.map((row) => row.rounds))} or more interleaved rounds.`,
    '',
    '| what | unit | holdfast | others | target | result |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      (row) =>
        `| ${nameOf(row)} | ${row.unit} | ${figure(oursOf(row))} | ${peersOf(row)} | ${targetText(row)} | ${verdict(row)} |`,
    ),
    '',
  ];
  const remarks = rows.filter(({ note }) => note !== undefined).map((row) => `- ${row.title}: ${row.note}`);
  // Once, however many file systems it was measured on.
  lines.push(...new Set(remarks));
  if (notes !== undefined) lines.push('', notes);
  for (const row of rows.filter(({ isChart }) => isChart)) lines.push('', picture(name, row, 'charts/'));
  for (const [row] of growths(rows)) lines.push('', picture(name, row, 'charts/', row.growth.title));
  return lines.join('\n');
}

/** Rows of one work on one file system, by size: each such list is a chart. */
function growths(rows) {
  const found = new Map();
  for (const row of rows.filter(({ growth }) => growth !== undefined)) {
    const key = `${row.growth.title} ${row.fileSystem}`;
    found.set(key, [...(found.get(key) ?? []), row]);
  }
  return [...found.values()];
}

function chartName(suite, row, theme) {
  return `${suite}-${row.id.replaceAll('.', '-')}-${theme}.svg`;
}

function picture(suite, row, base, title = nameOf(row)) {
  const source = (theme) => `${base}${chartName(suite, row, theme)}`;
  return (
    `<picture><source media="(prefers-color-scheme: dark)" srcset="${source('dark')}">` +
    `<img alt="${title}" src="${source('light')}"></picture>`
  );
}

export function writePages(results) {
  mkdirSync(CHARTS, { recursive: true });
  const suites = Object.entries(results);
  for (const [suite, { rows }] of suites) {
    for (const row of rows.filter(({ isChart }) => isChart)) {
      for (const theme of ['light', 'dark']) {
        writeFileSync(new URL(chartName(suite, row, theme), CHARTS), chart(row, theme));
      }
    }
    for (const list of growths(rows)) {
      for (const theme of ['light', 'dark']) {
        writeFileSync(new URL(chartName(suite, list[0], theme), CHARTS), growthChart(list, theme));
      }
    }
  }
  const head = readFileSync(new URL('benchmarks-head.md', import.meta.url), 'utf8').trimEnd();
  const body = suites.map(([name, suite]) => suiteMarkdown(name, suite));
  writeFileSync(PAGE, `${[head, ...body].join('\n\n')}\n`);
  writeReadme(suites);
}

/** The README's table: the rows that have a chart. Nothing is written where the markers are missing. */
function writeReadme(suites) {
  const readme = new URL('README.md', root);
  const text = readFileSync(readme, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) return;
  const shown = suites.flatMap(([name, { rows }]) =>
    rows.filter(({ isChart }) => isChart).map((row) => ({ name, row })),
  );
  const lines = [
    BEGIN,
    '',
    '| what | holdfast | others |',
    '| --- | --- | --- |',
    ...shown.map(
      ({ row }) => `| ${nameOf(row)} | ${figure(oursOf(row))} ${row.unit} | ${peersOf(row)} ${row.unit} |`,
    ),
    '',
    ...shown.slice(0, 1).map(({ name, row }) => picture(name, row, 'docs/reference/charts/')),
    '',
  ];
  writeFileSync(readme, text.slice(0, begin) + lines.join('\n') + text.slice(end));
}

export const pagePaths = [fileURLToPath(PAGE), fileURLToPath(new URL('README.md', root))];
