// npm run bench [-- SUITE [EXPERIMENT]]; --save puts the rows of an experiment into the committed results; with --smoke: a minute, no pages, and a failure only at a gross regression.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { runSuite } from './harness.mjs';
import {
  addResults,
  committedExcess,
  machine,
  pagePaths,
  printRows,
  saveResults,
  writePages,
} from './report.mjs';

const SUITES = ['locks', 'command', 'durable', 'growth', 'cache', 'engines', 'holds', 'claims'];
const GROSS_REGRESSION = 3;

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const isSmoke = process.argv.includes('--smoke');
const [wanted, only] = words;
const isTerminal = process.stderr.isTTY === true;
const log = (text) => isTerminal && process.stderr.write(`\r\x1b[K${text}`);

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (wanted !== undefined && !SUITES.includes(wanted)) fail(`No suite "${wanted}": ${SUITES.join(', ')}.`);
if (!existsSync(new URL('../dist/index.js', import.meta.url)))
  fail('There is no dist/: run "npm run build" first.');
if (!existsSync(new URL('node_modules', import.meta.url)))
  fail('The peers are missing: run "npm ci --prefix bench" first.');

/**
 * Three times the committed ratio to a contestant of the same run. Times by themselves are another machine's: there it is
 * three times the target, as for rows that were never committed.
 */
function isGrossRegression({ id, excess, target }) {
  if (excess === undefined) return false;
  const committed = target.to === undefined ? undefined : committedExcess(id);
  return excess > GROSS_REGRESSION * (committed ?? 1);
}

const fresh = {};
const regressions = [];
for (const name of wanted === undefined ? SUITES : [wanted]) {
  const file = new URL(`${name}.mjs`, import.meta.url);
  if (!existsSync(file)) continue;
  const { suite } = await import(file);
  const rows = await runSuite(suite, { isSmoke, only, log });
  log('');
  if (rows.length === 0) continue;
  printRows(suite.title, rows);
  fresh[name] = {
    title: suite.title,
    notes: suite.notes,
    machine: machine(),
    measuredAt: new Date().toISOString(),
    rows,
  };
  regressions.push(...rows.filter(isGrossRegression));
}

if (isSmoke) {
  for (const row of regressions)
    console.error(`${row.id} is ${row.excess.toFixed(1)} times off its target, three times what is allowed.`);
  process.exit(regressions.length > 0 ? 1 : 0);
}
// Part of a suite would leave the rest of it out of the page, unless it is added to what was measured before.
if (only === undefined || process.argv.includes('--save')) {
  writePages(only === undefined ? saveResults(fresh) : addResults(fresh));
  const prettier = fileURLToPath(new URL('../node_modules/prettier/bin/prettier.cjs', import.meta.url));
  spawnSync(process.execPath, [prettier, '--write', ...pagePaths], { stdio: 'ignore' });
}
