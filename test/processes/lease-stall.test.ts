import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect } from 'vitest';

import { together, whenFinished } from '../support/finish.js';
import { fencingTokenOf } from '../../src/fencing/index.js';
import { testDirectory } from '../support/directory.js';
import { startHoldfast } from '../support/holdfast.js';
import { LEASE_MS, startParty, statesIn, type Party } from '../support/lease.js';
import { eventually, isGone } from '../support/processes.js';
import { readProcessStat } from '../../src/platform/process-stat.js';

describe.concurrent('a holder whose event loop is stuck', () => {
  together(
    'for three leases is not robbed, not even when it sticks in the tick after the grant',
    async () => {
      const directory = testDirectory();
      const paths = [join(directory, 'later'), join(directory, 'at-once')] as const;
      const later = startParty(directory, paths[0]);
      await later.held();
      const atOnce = startParty(directory, paths[1], { blockMs: 3 * LEASE_MS });
      await eventually(
        'the second is claimed',
        () => existsSync(paths[1]) && /\.\d{8}$/.test(statesIn(paths[1])[0] ?? ''),
      );
      const contenders = paths.map((path) => startParty(directory, path));
      later.order(`block ${3 * LEASE_MS}`);
      await delay(3 * LEASE_MS - 500);
      for (const { child } of contenders) expect(child.stdout()).not.toContain('held');
      await later.child.line(/^did block/);
      await atOnce.held();
      for (const holder of [later, atOnce]) {
        holder.order('assert');
        await holder.child.line(/^did assert/);
        expect(holder.child.stdout()).not.toContain('lost');
      }
    },
  );

  together('for longer than maxStallMs loses its lease', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path, { maxStallMs: LEASE_MS / 2 });
    await holder.held();
    const contender = startParty(directory, path);
    holder.order(`block ${3 * LEASE_MS + 500}`);
    await contender.held();
    holder.order('assert');
    await holder.child.line(/^failed assert HOLDFAST_LOST/);
  });
});

/** A resource that compares the token and writes in one step. */
async function startFencedServer() {
  let last = 0n;
  let content = '';
  let refused = 0;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const token = fencingTokenOf(request.headers) ?? 0n;
      const isStale = token < last;
      if (isStale) refused++;
      else [last, content] = [token, body];
      response.writeHead(isStale ? 412 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  whenFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, content: () => content, refused: () => refused };
}

async function ordered(party: Party, ...orders: string[]): Promise<void> {
  for (const order of orders) {
    party.order(order);
    await party.child.line(new RegExp(`^did ${order.split(' ')[0]} `));
  }
}

describe.concurrent('a holder that was stopped past its lease', () => {
  together(
    'INV-LEASE-7 knows that it is lost as soon as it runs again, and its release changes nothing',
    async () => {
      const directory = testDirectory();
      const path = join(directory, 'lock');
      const holder = startParty(directory, path);
      const first = await holder.held();
      holder.child.process.kill('SIGSTOP');
      const successor = startParty(directory, path);
      const second = await successor.held();
      expect(second.token).toBeGreaterThan(first.token);
      holder.order('assert');
      holder.order('release');
      holder.child.process.kill('SIGCONT');
      await holder.child.line(/^failed assert HOLDFAST_LOST/);
      await holder.child.line(/^lost/);
      await holder.child.line(/^did release/);
      expect(statesIn(path)).toEqual([expect.stringContaining(second.holderId)]);
      successor.order('assert');
      await successor.child.line(/^did assert/);
    },
  );

  together('writes nothing under its old token any more, checked or too late to be checked', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const file = join(directory, 'data.json');
    const json = join(directory, 'state.json');
    writeFileSync(json, '{}');
    const server = await startFencedServer();
    const holder = startParty(directory, path);
    await holder.held();
    await ordered(holder, `write ${file}`, `update-json ${json}`, `send ${server.url}`);
    holder.child.process.kill('SIGSTOP');
    const successor = startParty(directory, path);
    const second = await successor.held();
    await ordered(successor, `write ${file}`, `update-json ${json}`, `send ${server.url}`);
    holder.child.process.kill('SIGCONT');
    await holder.child.line(/^lost/);
    const late = [`write ${file}`, `write-late ${file}`, `update-json ${json}`];
    for (const order of [...late, `send ${server.url}`, `send-late ${server.url}`]) {
      holder.order(order);
      await holder.child.line(new RegExp(`^failed ${order.split(' ')[0]} HOLDFAST_LOST `));
    }
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ by: second.holderId });
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ by: second.holderId });
    expect(server.content()).toBe(second.holderId);
    expect(server.refused()).toBe(1);
  });

  together('as `run` ends its command and exits 76', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const env = { XDG_STATE_HOME: join(directory, 'state') };
    const args = [
      'run',
      '--lease',
      `${LEASE_MS}ms`,
      '--grace',
      '1s',
      `lease:${path}`,
      'sh',
      '-c',
      'echo $$; trap "" TERM; while :; do sleep 1; done',
    ];
    const wrapper = startHoldfast(directory, args, { env });
    const [command = ''] = await wrapper.child.line(/^\d+$/);
    process.kill(wrapper.pid, 'SIGSTOP');
    const successor = startParty(directory, path);
    await successor.held();
    process.kill(wrapper.pid, 'SIGCONT');
    const { code, stderr } = await wrapper.outcome;
    expect(code).toBe(76);
    expect(stderr).toContain('its lease ran out');
    expect(isGone(Number(command))).toBe(true);
    successor.order('assert');
    await successor.child.line(/^did assert/);
  });
});

describe.concurrent('looking at a lease', () => {
  together('leaves a stopped holder stopped', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path);
    await holder.held();
    holder.child.process.kill('SIGSTOP');
    await eventually('it is stopped', () => readProcessStat(holder.child.pid)?.state === 'T');
    const shown = await startHoldfast(directory, ['show', `lease:${path}`]).outcome;
    expect(shown.stdout).toMatch(/alive +yes/);
    expect(shown.stdout).toMatch(/seen unchanged for/);
    expect(shown.stdout).toMatch(/holdfast break lease:\S+ --holder [a-z2-7]{26}/);
    expect(readProcessStat(holder.child.pid)?.state).toBe('T');
  });
});

describe.concurrent('the keeper', () => {
  together('lets a process end that has nothing else to do, and leaves the lease to the next', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path, { leaseMs: 30_000, isBrief: true });
    await holder.child.line(/^leaving$/);
    expect((await holder.child.exited).code).toBe(0);
    await startParty(directory, path).held();
  });

  together('hears of a broken lease at its next renewal, and others wait until then', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path);
    const { holderId } = await holder.held();
    const contender = startParty(directory, path);
    await contender.child.line(/^ready$/);
    const { code, stderr } = await startHoldfast(directory, [
      'break',
      `lease:${path}`,
      '--holder',
      holderId,
      '--force',
    ]).outcome;
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('ended the hold') as string,
    });
    const [, lostAt = ''] = await holder.child.line(/^lost ([\d.]+) taken$/);
    const { at } = await contender.held();
    expect(at).toBeGreaterThan(Number(lostAt));
    const again = await startHoldfast(directory, ['break', `lease:${path}`, '--holder', holderId, '--force'])
      .outcome;
    expect(again.code).toBe(75);
  });
});
