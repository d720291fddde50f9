import { describeDeadlock } from '../../core/deadlock.js';
import { describeHolder } from '../../core/messages.js';
import type { ChainLock } from '../../platform/wait-graph.js';
import { explain, inspect } from '../../locks/inspect.js';
import { holderJson } from '../json.js';
import { printJson } from '../envelope.js';
import { print } from '../print.js';
import { asTypedHere } from '../render/path.js';
import { readAddress } from '../run/subject.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';

export const spec: CommandForm = {
  name: 'why',
  summary: 'Explain why a lock is not free: its holders, and what they wait for',
  usage: ['why [OPTIONS] LOCK'],
  description: [
    'Follows the holders of LOCK to the locks that they wait for themselves, and names a deadlock where there is one. What holders wait for is seen of kernel locks on this host; of other locks it shows the holders.',
  ],
  options: [JSON_OPTION],
  positionals: [{ name: 'LOCK', help: 'A path or an address', completes: 'lock' }],
  examples: [{ command: 'holdfast why build.lock', help: 'Which process is in the way, and of which' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [lock = ''] = args.positionals;
  const { display } = readAddress(lock, args.command.name);
  const inspection = await inspect(lock);
  // What a holder waits for can be seen of kernel locks only.
  const { locks, deadlock } =
    inspection.backend === 'flock' ? await explain(lock) : { locks: [], deadlock: undefined };
  const isHeld = locks.length > 0 || inspection.isHeld;
  if (args.has('json')) {
    const holders = inspection.holders.map(holderJson);
    return printJson(args, { address: display, isHeld, holders, locks, deadlock: deadlock ?? null });
  }
  if (locks.length === 0) {
    print(
      `${display} is ${isHeld ? `held by ${inspection.holders.map(describeHolder).join(' and ')}` : 'free'}`,
    );
  }
  print(...locks.flatMap(explainLock));
  if (deadlock) print(`Deadlock: ${describeDeadlock(deadlock)}`);
  return 0;
}

function explainLock({ path, holders }: ChainLock): string[] {
  const lock = asTypedHere(path);
  if (holders.length === 0) return [`${lock} is held by a process not visible here`];
  return holders.map(({ pid, program, waitsFor }) => {
    const holder = `pid ${pid}${program === undefined ? '' : ` (${program})`}`;
    const wait = waitsFor.length === 0 ? '' : `, which waits for ${waitsFor.map(asTypedHere).join(' and ')}`;
    return `${lock} is held by ${holder}${wait}`;
  });
}
