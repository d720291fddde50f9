import { inspect } from '../../locks/inspect.js';
import { EXIT } from '../exit-codes.js';
import { readAddress } from '../run/subject.js';
import type { ParsedArguments } from '../spec.js';

export async function execute({ positionals, command }: ParsedArguments): Promise<number> {
  const [lock = ''] = positionals;
  readAddress(lock, command.name);
  const { isHeld } = await inspect(lock);
  return isHeld ? EXIT.contended : EXIT.ok;
}
