import { steal } from '../../../claims/index.js';
import { EXIT } from '../../exit-codes.js';
import { note, print, printJson } from '../../output.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';
import { BRANCH, COMMON, ID, REASON, asUsage, claimsOptions, texts } from './options.js';
import { holderText } from './text.js';

export const spec: CommandForm = {
  name: 'claims steal',
  summary: 'Take a stale claim from its holder',
  usage: ['claims steal [OPTIONS] ID', 'claims steal --force --reason TEXT ID'],
  description: [
    'Stale is what this clone has seen unchanged for the longer of --stale-after and what its holder asked for. A fresh clone has seen nothing yet.',
  ],
  options: [...COMMON, { name: 'force', help: 'Also when it is not stale; needs --reason' }, REASON, BRANCH],
  positionals: [ID],
  examples: [{ command: 'holdfast claims steal issue-42', help: 'Its agent has been silent' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [id = '', ...others] = args.positionals;
  if (others.length > 0) throw new UsageError('Claims are stolen one at a time', args.command.name);
  const force = args.has('force');
  if (force && args.text('reason') === undefined) {
    throw new UsageError('--force needs --reason TEXT', args.command.name);
  }
  const options = { ...(await claimsOptions(args)), ...texts(args, 'reason', 'branch'), force };
  const result = await asUsage(args, () => steal(id, options));
  if (args.has('json')) printJson(result);
  const say = args.has('json') ? (): void => undefined : (text: string): void => note(text);
  switch (result.outcome) {
    case 'stolen':
    case 'claimed': {
      const from = result.previous === undefined ? '' : ` from ${holderText(result.previous)}`;
      if (!args.has('json')) print(`${result.outcome} ${id}${from}`);
      return EXIT.ok;
    }
    case 'already-held':
      say(`already yours: ${id}`);
      return EXIT.ok;
    case 'contended':
      say(
        `contended: ${id} is claimed by ${result.claim === undefined ? 'others' : holderText(result.claim)}`,
      );
      return EXIT.contended;
    case 'unconfirmed':
      say(
        `unconfirmed: ${id} may or may not be yours: ${result.cause ?? 'no answer'}. Run the same command again.`,
      );
      return EXIT.lost;
  }
}
