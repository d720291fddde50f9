import { check, checkBranches, type CheckItem } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { withClaimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';
import { COMMON, QUIET_AFTER, IDS, asUsage, claimsOptions } from './options.js';
import { holderText } from './text.js';

export const spec: CommandForm = {
  name: 'claims check',
  summary: 'Ask the remote whether this agent has the claims',
  usage: ['claims check [OPTIONS] ID...', 'claims check --pre-push [OPTIONS]'],
  description: [
    'The exit code is 0 when it has all of them in this clone, 75 when another holder has one, 76 when one is lost, not claimed, or may be claimed yet, 69 when the remote cannot be reached.',
  ],
  options: [
    ...COMMON,
    QUIET_AFTER,
    { name: 'pre-push', help: 'As git hook: check the branches that are about to be pushed' },
  ],
  positionals: [{ ...IDS, isOptional: true }],
  examples: [{ command: 'holdfast claims check issue-42 && deploy', help: 'Only while it is ours' }],
};

const EXIT_OF = {
  held: EXIT.ok,
  contended: EXIT.contended,
  lost: EXIT.lost,
  'not-held': EXIT.lost,
  unconfirmed: EXIT.lost,
} as const;

export async function execute(args: ParsedArguments): Promise<number> {
  const options = await claimsOptions(args);
  if (!args.has('pre-push') && args.positionals.length === 0)
    throw new UsageError('ID is missing', args.command.name);
  const items = await asUsage(args, async () =>
    args.has('pre-push')
      ? checkBranches(pushedBranches(await readStdin()), options)
      : check(args.positionals, options),
  );
  const exitCode = Math.max(EXIT.ok, ...items.map(({ outcome }) => EXIT_OF[outcome]));
  if (args.has('json')) return printJson(args, { items: items.map(withClaimJson) }, exitCode);
  // A push that may go on is not commented.
  for (const item of items) if (item.outcome !== 'held' || !args.has('pre-push')) show(item);
  return exitCode;
}

function show({ id, outcome, claim, cause }: CheckItem): void {
  switch (outcome) {
    case 'held':
      return print(`yours: ${id}`);
    case 'contended':
      return note(`not yours: ${id} is claimed by ${claim === undefined ? 'others' : holderText(claim)}`);
    case 'lost':
      return note(
        `lost: ${id} was yours${claim === undefined ? ' and is free now' : `, and is now claimed by ${holderText(claim)}`}`,
      );
    case 'not-held':
      return note(`not claimed: ${id}`);
    case 'unconfirmed':
      return note(`unconfirmed: ${id}: ${cause ?? 'no answer'}`);
  }
}

/** Lines of githooks(5), pre-push: `<local ref> <local oid> <remote ref> <remote oid>`. */
function pushedBranches(input: string): string[] {
  return input
    .split('\n')
    .map((line) => line.split(' ')[2] ?? '')
    .filter((ref) => ref.startsWith('refs/heads/'))
    .map((ref) => ref.slice('refs/heads/'.length));
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
