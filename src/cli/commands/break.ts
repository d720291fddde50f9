import { assertBreakable, breakLock } from '../../locks/manage.js';
import { EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { ask } from '../prompt.js';
import { readAddress } from '../run/subject.js';
import type { CommandForm, ParsedArguments } from '../spec.js';
import { UsageError } from '../usage-error.js';

export const spec: CommandForm = {
  name: 'break',
  summary: "End another holder's hold by force",
  usage: ['break --holder ID [OPTIONS] LOCK'],
  description: [
    'Ends the hold named by ID, which `holdfast show LOCK` prints, and no other. Asks for `yes` unless --force is given. Others get the lock once its holder must have noticed.',
    'Exits 75 when that hold is over already. A kernel lock cannot be broken: it ends with its process.',
  ],
  options: [
    { name: 'holder', value: 'ID', help: 'The holder id', completes: 'holder' },
    { name: 'force', help: 'Do not ask' },
    {
      name: 'now',
      help: 'Free it at once, although its holder may still be at work: only fencing tokens protect then',
    },
  ],
  positionals: [{ name: 'LOCK', help: 'A path or an address', completes: 'lock' }],
  examples: [
    {
      command: 'holdfast break lease:/srv/share/index --holder abcdefghijklmnopqrstuvwxyz',
      help: 'After having made sure that it is dead',
    },
  ],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [lock = ''] = args.positionals;
  const { display } = readAddress(lock, args.command.name);
  const holderId = args.text('holder');
  if (holderId === undefined) {
    throw new UsageError(`--holder is missing; "holdfast show ${display}" prints it`, args.command.name);
  }
  await assertBreakable(lock);
  const isImmediate = args.has('now');
  if (!args.has('force') && !(await isConfirmed(display, holderId, isImmediate))) {
    note('holdfast: nothing was changed');
    return EXIT.usage;
  }
  if (await breakLock(lock, holderId, { isImmediate })) {
    note(`holdfast: ended the hold ${holderId} of "${display}"`);
    return EXIT.ok;
  }
  note(`holdfast: "${display}" is not held by ${holderId}; nothing was changed`);
  return EXIT.contended;
}

async function isConfirmed(lock: string, holderId: string, isImmediate: boolean): Promise<boolean> {
  const consequence = isImmediate
    ? 'Its holder may still be at work, and the next one gets in at once.'
    : 'Whatever it is doing counts as lost.';
  const question = `End the hold ${holderId} of "${lock}" by force? ${consequence} Type yes: `;
  return (await ask(question))?.trim() === 'yes';
}
