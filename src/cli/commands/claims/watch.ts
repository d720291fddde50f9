import { list, type Claim } from '../../../claims/index.js';
import { isLockError } from '../../../core/errors.js';
import { sleep } from '../../../platform/clock.js';
import { SignalCancel } from '../../cancel.js';
import { printJsonLine } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { claimJson } from '../../json.js';
import { isStdoutClosed, note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { COMMON, QUIET_AFTER, asUsage, claimsOptions } from './options.js';
import { holderText } from './text.js';

export const spec: CommandForm = {
  name: 'claims watch',
  summary: 'Print changes of claims as they happen',
  usage: ['claims watch [OPTIONS]'],
  options: [
    ...COMMON,
    QUIET_AFTER,
    { name: 'interval', value: 'DUR', kind: 'duration', help: 'How often to look', default: '10s' },
  ],
  examples: [{ command: 'holdfast claims watch --json', help: 'One JSON object per line' }],
};

const DEFAULT_INTERVAL_MS = 10_000;

interface Change {
  readonly type: 'claimed' | 'released' | 'stolen' | 'stale' | 'noted' | 'quiet';
  readonly id: string;
  readonly claim: Claim;
}

/** Looks again and again until a signal ends it. A remote that cannot be asked is reported once, not an end. */
export async function execute(args: ParsedArguments): Promise<number> {
  const cancel = new SignalCancel();
  cancel.arm();
  const intervalMs = args.durationMs('interval') ?? DEFAULT_INTERVAL_MS;
  const options = { ...(await claimsOptions(args)), signal: cancel.signal };
  let known = new Map<string, Claim>();
  let wasReachable = true;
  while (!cancel.signal.aborted && !isStdoutClosed()) {
    try {
      const { claims } = await asUsage(args, () => list(options));
      const current = new Map(claims.map((claim) => [claim.id, claim]));
      for (const change of changesBetween(known, current)) show(change, args);
      known = current;
      wasReachable = true;
    } catch (error) {
      if (cancel.signal.aborted) break;
      if (!isLockError(error) || !(error.isUnconfirmed || error.code === 'HOLDFAST_BACKEND_UNAVAILABLE'))
        throw error;
      if (wasReachable) note(`holdfast: ${error.message}`);
      wasReachable = false;
    }
    await sleep(intervalMs, cancel.signal).catch(() => undefined);
  }
  cancel.disarm();
  if (cancel.received === undefined) return EXIT.ok;
  return cancel.received === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}

function changesBetween(before: ReadonlyMap<string, Claim>, after: ReadonlyMap<string, Claim>): Change[] {
  const changes: Change[] = [];
  for (const [id, claim] of after) {
    const earlier = before.get(id);
    if (earlier === undefined) changes.push({ type: 'claimed', id, claim });
    else if (earlier.holderId !== claim.holderId) changes.push({ type: 'stolen', id, claim });
    else if (!earlier.isStale && claim.isStale) changes.push({ type: 'stale', id, claim });
    else if (claim.progress.by === 'note' && earlier.progress.at !== claim.progress.at)
      changes.push({ type: 'noted', id, claim });
    else if (!earlier.isQuiet && claim.isQuiet) changes.push({ type: 'quiet', id, claim });
  }
  for (const [id, claim] of before) if (!after.has(id)) changes.push({ type: 'released', id, claim });
  return changes;
}

function show({ type, id, claim }: Change, args: ParsedArguments): void {
  if (args.has('json')) printJsonLine(args, { type, id, claim: claimJson(claim) });
  else if (type === 'noted') print(`noted ${id} ${claim.agent}: ${claim.note ?? ''}`);
  else print(`${type} ${id} ${type === 'released' ? `(was ${holderText(claim)})` : holderText(claim)}`);
}
