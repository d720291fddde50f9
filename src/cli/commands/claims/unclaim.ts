import { forceRelease, release, type ReleaseItem } from '../../../claims/index.js';
import { COMMON, IDS, PATH, REASON, asUsage, claimsOptions, idsOf, texts } from './options.js';
import { holderText } from './text.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { withClaimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';

export const spec: CommandForm = {
  name: 'unclaim',
  summary: 'Release work items that this agent has claimed in this clone',
  usage: ['unclaim [OPTIONS] ID...', 'unclaim --all [OPTIONS]', 'unclaim --force --reason TEXT ID...'],
  description: [
    'What was stolen meanwhile stays with the thief: then the exit code is 76. With --force a claim of any agent is ended, and its history shows by whom and why.',
  ],
  options: [
    ...COMMON,
    { name: 'force', help: 'End the claim of any agent; needs --reason' },
    REASON,
    { name: 'all', help: 'All that this agent has in this clone' },
    PATH,
    { name: 'done', help: 'The work is finished: claim --any and claims next pass it over' },
    { name: 'base', value: 'REV', help: 'The revision at which it is left' },
  ],
  positionals: [{ ...IDS, isOptional: true }],
  examples: [{ command: 'holdfast unclaim issue-42', help: 'Done with it' }],
};

const EXIT_OF = {
  released: EXIT.ok,
  'not-held': EXIT.ok,
  contended: EXIT.contended,
  lost: EXIT.lost,
  unconfirmed: EXIT.lost,
} as const;

export async function execute(args: ParsedArguments): Promise<number> {
  const options = await claimsOptions(args);
  const reason = args.text('reason');
  if (args.has('force') && reason === undefined)
    throw new UsageError('--force needs --reason TEXT', 'unclaim');
  const isAll = args.has('all');
  if (isAll && (args.has('force') || args.has('path') || args.positionals.length > 0))
    throw new UsageError('--all takes no ID, --path and --force', 'unclaim');
  const items = await asUsage(args, async () =>
    args.has('force') && reason !== undefined
      ? forceRelease(idsOf(args), { ...options, reason })
      : release(isAll ? undefined : idsOf(args), {
          ...options,
          ...texts(args, 'base'),
          done: args.has('done'),
        }),
  );
  const exitCode = Math.max(EXIT.ok, ...items.map(({ outcome }) => EXIT_OF[outcome]));
  if (args.has('json')) return printJson(args, { items: items.map(withClaimJson) }, exitCode);
  if (items.length === 0) note('nothing to release');
  for (const item of items) show(item);
  return exitCode;
}

function show({ id, outcome, claim, cause }: ReleaseItem): void {
  switch (outcome) {
    case 'released':
      return print(`released ${id}`);
    case 'not-held':
      return note(`not claimed: ${id}`);
    case 'contended':
      return note(
        `not yours to release: ${id} is claimed by ${claim === undefined ? 'others' : holderText(claim)}`,
      );
    case 'lost':
      return note(
        `lost: ${id} was no longer yours${claim === undefined ? '' : `; it is claimed by ${holderText(claim)}`}`,
      );
    case 'unconfirmed':
      return note(
        `unconfirmed: ${id} may still be yours: ${cause ?? 'no answer'}. Run the same command again.`,
      );
  }
}
