import { removeCache } from '../../../cache/remove.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { note } from '../../output.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { FILE, QUIET, resolveCacheTimeout, TIMEOUT } from './arguments.js';

export const spec: CommandForm = {
  name: 'cache rm',
  summary: 'Remove a cache file and what it remembers of failures',
  usage: ['cache rm [OPTIONS] FILE...'],
  description: [
    'Waits for a refresh that is under way. A file that is no cache is left alone, exit 65. Exit code 74 when there is no such file.',
  ],
  options: [
    { name: 'force', help: 'Remove a file although it is damaged, or no cache at all' },
    TIMEOUT,
    QUIET,
    JSON_OPTION,
  ],
  positionals: [{ ...FILE, isRepeatable: true }],
  examples: [{ command: 'holdfast cache rm jdks.json', help: 'The next get fetches anew' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const timeout = await resolveCacheTimeout(args);
  const files: { path: string; wasRemoved: boolean }[] = [];
  for (const path of args.positionals) {
    const wasRemoved = await removeCache(path, { ...timeout.options, force: args.has('force') });
    files.push({ path, wasRemoved });
    if (!args.has('quiet') && !args.has('json'))
      note(`holdfast: ${path}: ${wasRemoved ? 'removed' : 'there is no such file'}.`);
  }
  const exitCode = files.every(({ wasRemoved }) => wasRemoved) ? EXIT.ok : EXIT.io;
  return args.has('json') ? printJson(args, { files }, exitCode) : exitCode;
}
