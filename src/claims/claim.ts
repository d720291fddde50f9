import { BOOLEAN, checkOptions, FUNCTION, NUMBER, TEXT, type OptionRule } from '../core/check-options.js';
import { claimAny } from './any.js';
import { resolveBase } from './base.js';
import type { ClaimResult } from './claim-result.js';
import { Claiming, worstOf } from './claiming.js';
import { headsOf } from './progress.js';
import { CLAIMS_OPTIONS, idList, inSession, oneLine, type ClaimsOptions } from './session.js';
import { untilFree } from './waiting.js';

/** Options of {@link claim}. */
export interface ClaimOptions extends ClaimsOptions {
  /** The branch on which the work will happen; shown, and checked by the pre-push hook. Default: none. */
  readonly branch?: string;
  /** Text for others to read, one line. Default: none. */
  readonly reason?: string;
  /**
   * The revision the work starts from: refused when the last holder left the resource at one that this does not
   * contain. Default: none, no check.
   */
  readonly base?: string;
  /**
   * Whether what an agent of the same name has claimed in another clone is taken over, although that may be at
   * work. Default `false`.
   */
  readonly takeOver?: boolean;
  /** Whether one of the ids is enough: the first that is free, or that this agent has already. Default `false`: all or none. */
  readonly any?: boolean;
  /**
   * Milliseconds for which to look again, each 5 s or so, while other agents hold it. No order among those who wait is
   * promised. Default 0; Infinity waits for ever.
   */
  readonly waitMs?: number;
  /** Called with what is in the way, before each wait. Default: none. */
  readonly onWait?: (result: ClaimResult) => void;
}

const CLAIM_OPTIONS = {
  ...CLAIMS_OPTIONS,
  branch: TEXT,
  reason: TEXT,
  base: TEXT,
  takeOver: BOOLEAN,
  any: BOOLEAN,
  waitMs: NUMBER,
  onWait: FUNCTION,
} satisfies Record<keyof ClaimOptions, OptionRule>;

/**
 * Claims one or several ids for an agent: all or none. At most one fetch and one push, unless others race or
 * have released an id that this clone never saw.
 *
 * An id that ends in a slash is a path with everything in it: it contends with each path that has a file in common with it.
 *
 * @param ids what people have: `issue-42`, `#42`, `feature/x`, `src/parser.ts`, `src/parser/`; at most 200 characters each. Ids
 *   that differ only in case are one.
 * @throws TypeError for other ids. LockError HOLDFAST_PERMISSION when the remote refuses, HOLDFAST_PROTOCOL for an
 *   unreadable record, HOLDFAST_CONFIG_MISMATCH without one remote that decides, HOLDFAST_UNSUPPORTED when the
 *   remote cannot take several ids at once, HOLDFAST_BACKEND_UNAVAILABLE when it cannot be reached and nothing was sent.
 * Not guaranteed: that the holder learns of a steal before its next command.
 * @example
 * const { outcome, items } = await claim('task-1', { reason: 'fixing it' });
 * if (outcome !== 'claimed') console.error(items[0]?.claim?.agent, 'has it');
 */
export async function claim(
  ids: string | readonly string[],
  options: ClaimOptions = {},
): Promise<ClaimResult> {
  checkOptions(options, CLAIM_OPTIONS);
  const list = idList(ids);
  const [reason, branch] = [oneLine('reason', options.reason), oneLine('branch', options.branch)];
  const { waitMs = 0, any = false, onWait, signal } = options;
  if (!(waitMs >= 0)) throw new RangeError(`waitMs must not be negative, not ${waitMs}.`);
  const look = (): Promise<ClaimResult> =>
    inSession(options, async (session) => {
      const base = options.base === undefined ? undefined : await resolveBase(session.arbiter, options.base);
      const takeOver = options.takeOver === true;
      const head = (await headsOf(session.arbiter, [branch])).get(branch ?? '');
      const wishes = { branch, reason, base, head, takeOver };
      if (any) return claimAny(session, list, wishes);
      const items = await new Claiming(session, list, wishes).run();
      return { outcome: worstOf(items), items };
    });
  return untilFree(look, { waitMs, onWait, signal });
}
