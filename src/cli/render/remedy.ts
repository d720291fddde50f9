import type { Inspection } from '../../locks/inspect.js';
import { quote } from './completion-words.js';

export interface Remedy {
  readonly text: string;
  /** The exact line that ends the hold; where there is one. */
  readonly command?: string;
}

/** How a hold can be ended that does not end by itself. */
export function remedyOf({
  address,
  backend,
  holders,
}: Pick<Inspection, 'address' | 'backend' | 'holders'>): Remedy | undefined {
  if (backend === 'memory') return undefined;
  if (backend !== 'flock') {
    const [holder] = holders;
    if (holder?.holderId === undefined) return undefined;
    if (backend === 'git') return gitRemedy(address);
    const command = `holdfast break ${quoteIfNeeded(address)} --holder ${holder.holderId}`;
    return { text: 'To end it by force:', command };
  }
  const pids = holders.flatMap(({ pid, note }) =>
    pid === undefined || note?.startsWith('held') === true ? [] : [pid],
  );
  if (pids.length === 0) return { text: 'A kernel lock ends with the processes that have the file open.' };
  return { text: `A kernel lock ends with its process. To free it, stop pid ${pids.join(' and ')}.` };
}

/** Ended by a claims command, whose event says by whom and why. */
function gitRemedy(address: string): Remedy {
  const [, remote = '', id = ''] = /^git:([^#]*)#(.*)$/s.exec(address) ?? [];
  const command = `holdfast unclaim --force --reason TEXT --remote ${quoteIfNeeded(remote)} ${quoteIfNeeded(id)}`;
  return { text: 'To end it by force, on record:', command };
}

function quoteIfNeeded(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : quote(word);
}
