import { createInterface } from 'node:readline/promises';

import { assertBreakable, breakLock } from '../../locks/break-lock.js';
import { EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { readAddress } from '../run/subject.js';
import type { ParsedArguments } from '../spec.js';
import { UsageError } from '../usage-error.js';

export async function execute(args: ParsedArguments): Promise<number> {
  const [lock = ''] = args.positionals;
  const { display } = readAddress(lock, args.command.name);
  const holderId = args.text('holder');
  if (holderId === undefined) {
    throw new UsageError(`--holder is missing; "holdfast show ${display}" tells it`, args.command.name);
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
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C, Ctrl-D and an input that has ended leave a question without an answer.
  const closed = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)));
  const question = `End the hold ${holderId} of "${lock}" by force? ${consequence} Type yes: `;
  const answer = await Promise.race([terminal.question(question), closed]);
  if (answer === undefined) note('');
  terminal.close();
  return answer?.trim() === 'yes';
}
