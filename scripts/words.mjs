// Refuses words that make a stranger read a sentence twice, and says what to write instead. `npm run check` runs it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Each is a whole word, in any case. */
export const BANNED = [
  [
    /whoever|nobody|somebody|anybody|everybody/,
    'the holder, a waiter, another process, the caller, all contenders; no',
  ],
  [/tells?|told|telling/, 'emit, notify, return, show, print'],
  [/hears?|heard/, 'receive, get, learn of'],
  [/courtesy|polite/, 'yielding'],
  [/giv(?:es?|ing|en) back/, 'release'],
  [/armed|arming/, 'renewal started, scheduled'],
  [/graves?/, 'tombstone'],
  [/lookout/, 'diagnostics'],
  [/lock space/, 'namespace'],
  [/door/, 'head of the queue'],
];

/** Every banned word of `text`: its line, itself, and what to write instead. */
export function bannedIn(text) {
  return text.split('\n').flatMap((line, index) =>
    BANNED.flatMap(([words, instead]) => {
      const found = new RegExp(`\\b(?:${words.source})\\b`, 'i').exec(line);
      return found === null ? [] : [{ line: index + 1, word: found[0], instead }];
    }),
  );
}

const PLACES = ['src', 'docs', 'native', 'examples', 'bench', 'scripts', '*.md'];
const READ = /\.(?:ts|cts|mjs|c|h|md)$/;
/** This file names them. */
const SELF = 'scripts/words.mjs';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...PLACES], {
    encoding: 'utf8',
  });
  const found = files
    .split('\n')
    .filter((path) => READ.test(path) && path !== SELF)
    .flatMap((path) => bannedIn(readFileSync(path, 'utf8')).map((each) => ({ path, ...each })));
  for (const { path, line, word, instead } of found) {
    process.stderr.write(`${path}:${line}: "${word}": write ${instead}\n`);
  }
  if (found.length > 0) process.exitCode = 1;
}
