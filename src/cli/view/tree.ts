import type { DeadlockLink } from '../../core/deadlock.js';
import { escapeText } from '../../core/escape.js';
import type { RankedLock, SeenParty, Survey } from '../../observe/seen.js';
import { asTypedHere } from '../render/path.js';
import { elapsed } from './elapsed.js';
import { partyText } from './top-rows.js';

export interface TreeLine {
  readonly depth: number;
  readonly text: string;
  readonly isRed: boolean;
}

const DEEPEST = 12;

export interface TreeContext {
  readonly survey: Survey;
  readonly describe: (lock: RankedLock) => RankedLock;
  readonly commandOf?: ((pid: number) => string | undefined) | undefined;
}

/** Who holds a lock, what the holders wait for themselves, and so on; then who waits for it. */
export function treeOf(lock: RankedLock, context: TreeContext): readonly TreeLine[] {
  const lines: TreeLine[] = [];
  new Tree(lines, context).lock(lock, 0, new Set());
  const { atMs } = context.survey;
  if (lock.waiters.length > 0) lines.push({ depth: 0, text: 'waited for by', isRed: false });
  for (const waiter of context.describe(lock).waiters) {
    const { sinceAtMs, isSinceExact } = waiter;
    const text = `${partyText(waiter, context.commandOf)} for ${elapsed(atMs - sinceAtMs, isSinceExact)}`;
    lines.push({
      depth: 1,
      text: escapeText(text),
      isRed: isIn(context.survey.deadlocks, waiter.pid, lock.address),
    });
  }
  return lines;
}

class Tree {
  readonly #lines: TreeLine[];
  readonly #context: TreeContext;
  readonly #waitsOf = new Map<number, RankedLock[]>();

  constructor(lines: TreeLine[], context: TreeContext) {
    this.#lines = lines;
    this.#context = context;
    for (const lock of context.survey.locks) {
      // Locks that are waited for come first.
      if (lock.waiters.length === 0) break;
      for (const { pid } of lock.waiters) {
        if (pid !== undefined) this.#waitsOf.set(pid, [...(this.#waitsOf.get(pid) ?? []), lock]);
      }
    }
  }

  lock(lock: RankedLock, depth: number, above: ReadonlySet<string>): void {
    const { address, backend, isInCycle } = lock;
    const name = address.startsWith('/') ? asTypedHere(address) : address;
    const isAgain = above.has(address);
    const text = `${name} (${backend})${isAgain ? ': a deadlock, since it is waited for above' : ''}`;
    this.#lines.push({ depth, text: escapeText(text), isRed: isInCycle });
    if (isAgain || depth > DEEPEST) return;
    const { holders } = this.#context.describe(lock);
    if (holders.length === 0)
      this.#lines.push({ depth: depth + 1, text: 'held by none that is visible', isRed: false });
    for (const holder of holders) this.#holder(lock, holder, depth + 1, new Set([...above, address]));
  }

  #holder(lock: RankedLock, holder: SeenParty, depth: number, above: ReadonlySet<string>): void {
    const { pid, sinceAtMs, isSinceExact, reason, note } = holder;
    const waitsFor =
      pid === undefined ? [] : (this.#waitsOf.get(pid) ?? []).filter((other) => other !== lock);
    const { survey, commandOf } = this.#context;
    const more = [
      ` for ${elapsed(survey.atMs - sinceAtMs, isSinceExact)}`,
      reason === undefined ? '' : ` - ${reason}`,
      note === undefined || pid === undefined ? '' : ` (${note})`,
      waitsFor.length === 0 ? '' : ', which waits for',
    ];
    const text = escapeText(`held by ${partyText(holder, commandOf)}${more.join('')}`);
    this.#lines.push({ depth, text, isRed: waitsFor.some(({ isInCycle }) => isInCycle) && lock.isInCycle });
    for (const other of waitsFor) this.lock(other, depth + 1, above);
  }
}

function isIn(
  deadlocks: readonly (readonly DeadlockLink[])[],
  pid: number | undefined,
  waitsFor: string,
): boolean {
  return deadlocks.some((cycle) => cycle.some((link) => link.pid === pid && link.waitsFor === waitsFor));
}
