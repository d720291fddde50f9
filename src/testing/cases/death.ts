import { check, soon, stays, timing, withClients } from '../check.js';
import { leaseOf, startContender, type Contender } from '../contenders.js';
import { sleep } from '../../platform/clock.js';
import { isBetweenProcesses, type ConformanceCase, type Subject } from '../subject.js';

const leaves = (orphan: Subject['capabilities']['orphan']) => (subject: Subject) =>
  isBetweenProcesses(subject) && subject.capabilities.orphan === orphan;

/** Another process, once it holds `resource`. */
async function startHolder(subject: Subject, resource: string): Promise<Contender> {
  const holder = startContender(subject, { resource, mode: 'exclusive', task: 'hold' });
  await holder.next('held');
  return holder;
}

/** How long what a dead process leaves may be there. */
function endsMs(subject: Subject): number {
  const { orphan } = subject.capabilities;
  const stayMs = orphan === 'expires' ? (subject.takeoverMs ?? 2 * leaseOf(subject)) : 0;
  return stayMs + timing.hangMs;
}

export const deathCases: readonly ConformanceCase[] = [
  {
    id: 'DIE-1',
    law: 'a killed holder frees its lock at once',
    appliesTo: leaves('released'),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        for (let round = 0; round < 3; round++) {
          const resource = subject.newResource();
          const holder = await startHolder(subject, resource);
          const waiting = client.acquire(resource, { timeoutMs: Infinity });
          await stays(waiting, 'a waiter was granted a held lock');
          const killed = holder.kill('SIGKILL');
          await (await soon(waiting, 'the grant after a death')).release();
          await killed;
        }
      }),
  },
  {
    id: 'DIE-2',
    law: 'the lease of a killed holder stops others no longer than it promises',
    appliesTo: leaves('expires'),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const holder = await startHolder(subject, resource);
        await holder.kill('SIGKILL');
        const takeoverMs = subject.takeoverMs ?? 2 * leaseOf(subject);
        const options = { timeoutMs: Infinity, leaseDurationMs: leaseOf(subject) };
        const takeover = client.acquire(resource, options);
        await (await soon(takeover, 'the takeover', takeoverMs + timing.hangMs)).release();
      }),
  },
  {
    id: 'DIE-3',
    law: 'the claim of a killed holder stays until it is ended by name',
    appliesTo: leaves('stays'),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const holder = await startHolder(subject, resource);
        await holder.kill('SIGKILL');
        check((await client.tryAcquire(resource)) === undefined, 'the claim of a dead holder was taken');
      }),
  },
  {
    id: 'DIE-4',
    law: 'a holder that exits without a release leaves no more than one that is killed',
    appliesTo: (subject) => isBetweenProcesses(subject) && subject.capabilities.orphan !== 'stays',
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const leaver = startContender(subject, { resource, mode: 'exclusive', task: 'leave' });
        await leaver.next('held');
        await soon(leaver.exited, 'the end of a holder that exits');
        const next = client.acquire(resource, { timeoutMs: Infinity, leaseDurationMs: leaseOf(subject) });
        await (await soon(next, 'the grant after an exit', endsMs(subject))).release();
      }),
  },
  {
    id: 'FREEZE-1',
    law: 'a stopped process keeps a lock that is no lease',
    appliesTo: leaves('released'),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const holder = await startHolder(subject, resource);
        await holder.kill('SIGSTOP');
        await sleep(timing.quiescentMs);
        const got = await client.tryAcquire(resource);
        await holder.kill('SIGCONT');
        check(got === undefined, 'the lock of a stopped holder was taken');
        check(await holder.askHeld(), 'the holder lost what could not be taken');
        await holder.kill('SIGKILL');
      }),
  },
  {
    id: 'FREEZE-2',
    law: 'a holder that was stopped past its lease knows that it is lost, as soon as it runs again',
    appliesTo: leaves('expires'),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const leaseDurationMs = leaseOf(subject);
        const holder = await startHolder(subject, resource);
        await holder.kill('SIGSTOP');
        const guard = await client.acquire(resource, {
          timeoutMs: leaseDurationMs * 3 + timing.hangMs,
          leaseDurationMs,
        });
        await holder.kill('SIGCONT');
        check(!(await holder.askHeld()), 'a holder that was taken over still believes that it holds');
        await holder.next('lost');
        guard.assertHeld();
        await holder.kill('SIGKILL');
        guard.assertHeld();
        await guard.release();
      }),
  },
  {
    id: 'KEEP-1',
    law: 'a live holder keeps its lease beyond its first duration',
    appliesTo: leaves('expires'),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const holder = await startHolder(subject, resource);
        const leaseDurationMs = leaseOf(subject);
        await sleep(leaseDurationMs * 1.5);
        const got = await client.tryAcquire(resource, { leaseDurationMs });
        check(got === undefined, 'a renewed lease was taken');
        check(await holder.askHeld(), 'a live holder lost its lease');
        await holder.kill('SIGKILL');
      }),
  },
  {
    id: 'DIE-5',
    law: 'a waiter that is killed holds up none of those behind it',
    appliesTo: isBetweenProcesses,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const guard = await a.acquire(resource);
        const waiter = startContender(subject, { resource, mode: 'exclusive', task: 'hold' });
        await waiter.next('waiting');
        const behind = b.acquire(resource, { timeoutMs: Infinity, leaseDurationMs: leaseOf(subject) });
        await stays(behind, 'a waiter was granted a held lock');
        await waiter.kill('SIGKILL');
        await guard.release();
        await (await soon(behind, 'the grant behind a dead waiter', endsMs(subject))).release();
      }),
  },
  {
    id: 'PERMIT-3',
    law: 'the permit of a killed holder comes back',
    appliesTo: (subject) =>
      subject.capabilities.permits === true &&
      isBetweenProcesses(subject) &&
      subject.capabilities.orphan !== 'stays',
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const options = { permits: 2, leaseDurationMs: leaseOf(subject) };
        const own = await client.acquire(resource, options);
        const holder = startContender(subject, { resource, mode: 'exclusive', task: 'hold', permits: 2 });
        await holder.next('held');
        check(
          (await client.tryAcquire(resource, options)) === undefined,
          'a third of two permits was granted',
        );
        await holder.kill('SIGKILL');
        const next = client.acquire(resource, { ...options, timeoutMs: Infinity });
        await (await soon(next, 'the permit of a dead holder', endsMs(subject))).release();
        await own.release();
      }),
  },
];
