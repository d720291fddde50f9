import type { Guard } from '../../core/guard.js';
import { check, rejectsWith, soon, timing, withClients } from '../check.js';
import { sleep } from '../../platform/clock.js';
import { leaseOf } from '../contenders.js';
import type { ConformanceCase, Subject } from '../subject.js';

/** Without a lease or a session there is nothing to lose, and no `induceLoss` is asked for. */
const canLose = (subject: Subject): boolean =>
  subject.capabilities.orphan !== 'released' || subject.induceLoss !== undefined;

export const lossCases: readonly ConformanceCase[] = [
  {
    id: 'LOST-1',
    law: 'a hold that ended by surprise is reported, fails its proof, and is released without an error',
    appliesTo: canLose,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        check(subject.induceLoss !== undefined, 'the subject does not say how its holds are lost');
        const resource = subject.newResource();
        const guard = await a.acquire(resource, { leaseDurationMs: leaseOf(subject) });
        await subject.induceLoss(resource, guard.holderId);
        await rejectsWith(
          untilLost(() => guard.assertHeld()),
          'HOLDFAST_LOST',
        );
        check(guard.lost.aborted, 'guard.lost did not fire');
        const timeoutMs = (subject.takeoverMs ?? 3 * leaseOf(subject)) + timing.hangMs;
        const successor = await b.acquire(resource, { timeoutMs, leaseDurationMs: leaseOf(subject) });
        await guard.release();
        // A server may notify the successor before anything else is seen.
        const isFreed = isLost(successor) || (await a.tryAcquire(resource)) !== undefined;
        check(!isFreed, 'the release of a lost hold freed its successor');
        await successor.release();
      }),
  },
  {
    id: 'LOST-2',
    law: 'a loss before the first look at `guard.lost` is not missed',
    appliesTo: canLose,
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        check(subject.induceLoss !== undefined, 'the subject does not say how its holds are lost');
        const resource = subject.newResource();
        const guard = await client.acquire(resource, { leaseDurationMs: leaseOf(subject) });
        await subject.induceLoss(resource, guard.holderId);
        const loss = await rejectsWith(
          untilLost(() => guard.assertHeld()),
          'HOLDFAST_LOST',
        );
        const { lost } = guard;
        check(lost.aborted, 'guard.lost of a lost hold is not aborted');
        check((lost.reason as { code?: unknown }).code === loss.code, 'guard.lost does not carry the loss');
        await guard.release();
        check(guard.lost.aborted, 'the release took the loss back');
      }),
  },
];

function isLost(guard: Guard): boolean {
  try {
    guard.assertHeld();
    return false;
  } catch {
    return true;
  }
}

/** Rejects with what `assertHeld` throws, once it throws. */
async function untilLost(assertHeld: () => void): Promise<void> {
  await soon(
    (async () => {
      for (;;) {
        assertHeld();
        await sleep(20);
      }
    })(),
    'the loss',
  );
}
