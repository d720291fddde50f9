import { inspect } from '../../locks/inspect.js';
import { EXIT } from '../exit-codes.js';
import { readAddress } from '../run/subject.js';
import type { CommandForm, ParsedArguments } from '../spec.js';

export const spec: CommandForm = {
  name: 'test',
  summary: 'Show by the exit code whether a lock is free',
  usage: ['test [OPTIONS] LOCK'],
  description: ['Exits 0 when LOCK is free and 75 when it is held. Creates and changes nothing.'],
  options: [],
  positionals: [{ name: 'LOCK', help: 'A path or an address', completes: 'lock' }],
  examples: [{ command: 'holdfast test build.lock && echo free', help: 'Only look' }],
};

export async function execute({ positionals, command }: ParsedArguments): Promise<number> {
  const [lock = ''] = positionals;
  readAddress(lock, command.name);
  const { isHeld } = await inspect(lock);
  return isHeld ? EXIT.contended : EXIT.ok;
}
