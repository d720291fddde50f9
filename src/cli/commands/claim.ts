import { claim, type ClaimItem } from '../../claims/index.js';
import { asUsage, claimsOptions, texts } from '../claims/options.js';
import { holderText } from '../claims/render.js';
import { EXIT } from '../exit-codes.js';
import { note, print, printJson } from '../output.js';
import type { ParsedArguments } from '../spec.js';

const EXIT_OF = {
  claimed: EXIT.ok,
  'already-held': EXIT.ok,
  contended: EXIT.contended,
  lost: EXIT.lost,
  unconfirmed: EXIT.lost,
} as const;

export async function execute(args: ParsedArguments): Promise<number> {
  const options = { ...(await claimsOptions(args)), ...texts(args, 'branch', 'reason', 'base') };
  const result = await asUsage(args, () => claim(args.positionals, options));
  if (args.has('json')) printJson(result);
  else for (const item of result.items) tell(item);
  return EXIT_OF[result.outcome];
}

function tell({ id, outcome, claim: current, cause }: ClaimItem): void {
  switch (outcome) {
    case 'claimed':
      return print(`claimed ${id}`);
    case 'already-held':
      return print(
        `already yours: ${id}${current?.isElsewhere === true ? ' (claimed in another clone)' : ''}`,
      );
    case 'contended':
      return note(
        `contended: ${id} is claimed by ${current === undefined ? 'others, one after another' : holderText(current)}`,
      );
    case 'lost':
      return note(
        `lost: ${id} was yours, and is now claimed by ${current === undefined ? 'nobody' : holderText(current)}`,
      );
    case 'unconfirmed':
      return note(
        `unconfirmed: ${id} may or may not be yours: ${cause ?? 'no answer'}. Run the same command again.`,
      );
    case 'not-taken':
      return note(`not taken: ${id}`);
  }
}
