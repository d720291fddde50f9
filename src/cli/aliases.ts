/** Names that people try first, and the command that each means. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  '-v': ['version'],
  '-V': ['version'],
  '--version': ['version'],
  '-h': ['help'],
  '--help': ['help'],
  list: ['ls'],
  'cache list': ['cache', 'ls'],
  'cache remove': ['cache', 'rm'],
  'claims claim': ['claim'],
  'claims ls': ['claims', 'list'],
  'claims log': ['claims', 'history'],
  'claims release': ['unclaim'],
  'claims show': ['claims', 'history'],
  'claims status': ['claims', 'list'],
  'claims unclaim': ['unclaim'],
  'setup ls': ['setup', 'list'],
  'setup install': ['setup'],
  'setup rm': ['setup', 'remove'],
};

/** Names of which nothing is right, and the line to write instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  lock: 'holdfast run LOCK COMMAND',
  acquire: 'holdfast run LOCK COMMAND',
  exec: 'holdfast run LOCK COMMAND',
  release: 'holdfast break LOCK --holder ID',
  unlock: 'holdfast break LOCK --holder ID',
  who: 'holdfast show LOCK',
  inspect: 'holdfast show LOCK',
  steal: 'holdfast claims steal ID',
  install: 'holdfast setup RECIPE',
  get: 'holdfast cache get FILE',
  refresh: 'holdfast cache refresh FILE --url URL',
  'claims hook uninstall': 'rm "$(git rev-parse --git-path hooks/pre-push)"',
};

/** The words of a command line with such a name replaced. `status LOCK` is `show`, `status` alone is `ls`. */
export function withoutAlias(words: readonly string[]): readonly string[] {
  const [first = '', second = ''] = words;
  if (first === 'status')
    return [words.length > 1 && !second.startsWith('-') ? 'show' : 'ls', ...words.slice(1)];
  const pair = ALIASES[`${first} ${second}`];
  if (pair !== undefined) return [...pair, ...words.slice(2)];
  const single = ALIASES[first];
  return single === undefined ? words : [...single, ...words.slice(1)];
}

/** The line to write instead of `words`, where one is known. */
export function insteadOf(words: readonly string[]): string | undefined {
  return INSTEAD[words.slice(0, 3).join(' ')] ?? INSTEAD[words.slice(0, 1).join(' ')];
}
