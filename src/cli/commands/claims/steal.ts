import { steal, type StealResult } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { claimJson, withClaimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';
import { BRANCH, COMMON, QUIET_AFTER, ID, REASON, asUsage, claimsOptions, texts } from './options.js';
import { holderText } from './text.js';

export const spec: CommandForm = {
  name: 'claims steal',
  summary: 'Take a stale claim from its holder',
  usage: ['claims steal [OPTIONS] ID', 'claims steal --force --reason TEXT ID'],
  description: [
    'Stale is what this clone has seen unchanged for the longer of --stale-after and what its holder asked for. A fresh clone has seen nothing yet.',
  ],
  options: [
    ...COMMON,
    QUIET_AFTER,
    { name: 'force', help: 'Also when it is not stale; needs --reason' },
    REASON,
    BRANCH,
  ],
  positionals: [ID],
  examples: [{ command: 'holdfast claims steal issue-42', help: 'Its agent has been silent' }],
};

const EXIT_OF = {
  stolen: EXIT.ok,
  claimed: EXIT.ok,
  'already-held': EXIT.ok,
  contended: EXIT.contended,
  unconfirmed: EXIT.lost,
} as const;

export async function execute(args: ParsedArguments): Promise<number> {
  const [id = '', ...others] = args.positionals;
  if (others.length > 0) throw new UsageError('Claims are stolen one at a time', args.command.name);
  const force = args.has('force');
  if (force && args.text('reason') === undefined) {
    throw new UsageError('--force needs --reason TEXT', args.command.name);
  }
  const options = { ...(await claimsOptions(args)), ...texts(args, 'reason', 'branch'), force };
  const result = await asUsage(args, () => steal(id, options));
  const exitCode = EXIT_OF[result.outcome];
  if (args.has('json')) return printJson(args, resultJson(result), exitCode);
  show(result);
  return exitCode;
}

function resultJson({ previous, ...result }: StealResult): object {
  return { ...withClaimJson(result), ...(previous && { previous: claimJson(previous) }) };
}

function show(result: StealResult): void {
  const { id } = result;
  switch (result.outcome) {
    case 'stolen':
    case 'claimed': {
      const from = result.previous === undefined ? '' : ` from ${holderText(result.previous)}`;
      return print(`${result.outcome} ${id}${from}`);
    }
    case 'already-held':
      return note(`already yours: ${id}`);
    case 'contended':
      return note(
        `contended: ${id} is claimed by ${result.claim === undefined ? 'others' : holderText(result.claim)}`,
      );
    case 'unconfirmed':
      return note(
        `unconfirmed: ${id} may or may not be yours: ${result.cause ?? 'no answer'}. Run the same command again.`,
      );
  }
}
