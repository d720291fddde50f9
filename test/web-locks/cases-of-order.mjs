// Several requests: who comes when, and what is seen of them.
import assert from 'node:assert/strict';

import { dom, hold, later, modesOf, never, settle, unreached } from './case-tools.mjs';

export const MODE_EXCLUSIVE = {
  'grants in order': async (locks, name) => {
    const granted = [];
    await Promise.all([1, 2, 3].map((n) => locks.request(name, () => void granted.push(n))));
    assert.deepEqual(granted, [1, 2, 3]);
  },
  'another name does not wait': async (locks, name) => {
    const granted = [];
    let inner = Promise.resolve();
    await locks.request(name, () => {
      inner = Promise.all([
        locks.request(name, () => void granted.push(1)),
        locks.request(`${name} 2`, () => void granted.push(2)),
      ]);
      return settle();
    });
    await inner;
    assert.deepEqual(granted, [2, 1]);
  },
};

export const MODE_SHARED = {
  'grants in order': async (locks, name) => {
    const granted = [];
    const ask = (n) => locks.request(`${name} ${n % 3}`, { mode: 'shared' }, () => void granted.push(n));
    await Promise.all([1, 2, 3, 4, 5, 6].map(ask));
    assert.deepEqual(granted, [1, 2, 3, 4, 5, 6]);
  },
  'does not exclude its like': async (locks, name) => {
    const shared = { mode: 'shared' };
    assert.equal(
      await locks.request(name, shared, () => locks.request(name, shared, () => 'inner')),
      'inner',
    );
  },
};

export const MODE_MIXED = {
  'grants in order': async (locks, name) => {
    const granted = [];
    const end = later();
    for (const n of [1, 2, 3])
      void locks.request(name, { mode: 'shared' }, async () => {
        granted.push(`shared ${n}`);
        await end.promise;
      });
    const exclusive = locks.request(name, (lock) => void granted.push(lock.mode));
    await locks.request(`${name} 2`, () => void granted.push('other'));
    assert.deepEqual(granted, ['shared 1', 'shared 2', 'shared 3', 'other']);
    end.resolve();
    await exclusive;
    assert.equal(granted.at(-1), 'exclusive');
  },
  'the end of an exclusive lock grants all shared ones': async (locks, name) => {
    const first = await hold(locks, name);
    const shared = [1, 2, 3, 4, 5].map(() => hold(locks, name, { mode: 'shared' }));
    const before = await locks.query();
    assert.deepEqual(modesOf(before.held, name), ['exclusive']);
    assert.equal(modesOf(before.pending, name).length, 5);
    first.end();
    const holds = await Promise.all(shared);
    assert.deepEqual(modesOf((await locks.query()).held, name), Array(5).fill('shared'));
    for (const { end } of holds) end();
  },
  'an exclusive request is passed by none that came later': async (locks, name) => {
    const first = await Promise.all([1, 2].map(() => hold(locks, name, { mode: 'shared' })));
    const middle = hold(locks, name);
    const last = [1, 2].map(() => hold(locks, name, { mode: 'shared' }));
    assert.deepEqual(modesOf((await locks.query()).held, name), ['shared', 'shared']);
    for (const { end } of first) end();
    const exclusive = await middle;
    assert.deepEqual(modesOf((await locks.query()).held, name), ['exclusive']);
    exclusive.end();
    const holds = await Promise.all(last);
    assert.deepEqual(modesOf((await locks.query()).held, name), ['shared', 'shared']);
    for (const { end } of holds) end();
  },
};

export const QUERY = {
  'is empty when nothing is held': async (locks) => {
    assert.deepEqual({ ...(await locks.query()) }, { held: [], pending: [] });
  },
  'describes what is held and pending': async (locks, name) => {
    const { end } = await hold(locks, name);
    const next = locks.request(name, () => 'next');
    const { held, pending } = await locks.query();
    for (const list of [held, pending]) {
      assert.ok(Array.isArray(list));
      assert.deepEqual(Object.keys(list[0]).toSorted(), ['clientId', 'mode', 'name']);
      assert.equal(list[0].name, name);
    }
    assert.deepEqual([modesOf(held, name), modesOf(pending, name)], [['exclusive'], ['exclusive']]);
    assert.equal(held[0].clientId, pending[0].clientId);
    end();
    await next;
  },
  'counts each shared lock and request': async (locks, name) => {
    const holds = await Promise.all([1, 2].map(() => hold(locks, name, { mode: 'shared' })));
    const other = await hold(locks, `${name} 2`);
    const waiting = [1, 2].map(() => hold(locks, `${name} 2`, { mode: 'shared' }));
    const { held, pending } = await locks.query();
    assert.deepEqual(modesOf(held, name), ['shared', 'shared']);
    assert.deepEqual(modesOf(held, `${name} 2`), ['exclusive']);
    assert.deepEqual(modesOf(pending, `${name} 2`), ['shared', 'shared']);
    for (const { end } of [...holds, other]) end();
    for (const { end } of await Promise.all(waiting)) end();
  },
};

export const SIGNAL = {
  'must be an AbortSignal': async (locks, name) => {
    for (const signal of ['string', 12.34, false, {}, Symbol('s'), () => undefined, globalThis])
      await assert.rejects(locks.request(name, { signal }, unreached), TypeError);
  },
  'that is aborted already rejects with its reason': async (locks, name) => {
    const signal = AbortSignal.abort();
    const rejected = locks.request(name, { signal }, unreached);
    await rejected.then(unreached, (error) => assert.equal(error, signal.reason));
    const told = locks.request(name, { signal: AbortSignal.abort('why') }, unreached);
    await told.then(unreached, (error) => assert.equal(error, 'why'));
  },
  'ends a request that waits': async (locks, name) => {
    const { end } = await hold(locks, name);
    const controller = new AbortController();
    const waiting = locks.request(name, { signal: controller.signal }, unreached);
    assert.deepEqual(modesOf((await locks.query()).pending, name), ['exclusive']);
    setTimeout(() => controller.abort(), 10);
    await assert.rejects(waiting, dom('AbortError'));
    end();
  },
  'that is not aborted changes nothing': async (locks, name) => {
    assert.equal(await locks.request(name, { signal: new AbortController().signal }, () => 1), 1);
  },
  'ends a request in the turn that made it, although the lock is free': async (locks, name) => {
    const controller = new AbortController();
    const aborted = locks.request(name, { signal: controller.signal }, unreached);
    controller.abort();
    await assert.rejects(aborted, dom('AbortError'));
    assert.equal(await locks.request(name, () => 'next'), 'next');
  },
  'is without effect once the lock is granted or released': async (locks, name) => {
    for (const isBefore of [true, false]) {
      const controller = new AbortController();
      const { done, end } = await hold(locks, name, { signal: controller.signal });
      if (isBefore) controller.abort();
      end('well');
      if (!isBefore) controller.abort();
      assert.equal(await done, 'well');
    }
  },
  'lets the next in line have the lock': async (locks, name) => {
    const controller = new AbortController();
    const first = locks.request(name, { signal: controller.signal }, never);
    const next = locks.request(name, () => 'next');
    controller.abort('my reason');
    await first.then(unreached, (error) => assert.equal(error, 'my reason'));
    assert.equal(await next, 'next');
  },
};

export const STEAL = {
  'takes a lock that is free': async (locks, name) => {
    assert.equal(await locks.request(name, { steal: true }, ({ mode }) => mode), 'exclusive');
  },
  'takes a lock that is held; its request rejects': async (locks, name) => {
    for (const mode of ['exclusive', 'shared']) {
      const { done } = await hold(locks, name, { mode });
      assert.equal(await locks.request(name, { steal: true }, (lock) => lock.name), name);
      await assert.rejects(done, dom('AbortError'));
    }
  },
  'takes a lock that was requested in the same turn': async (locks, name) => {
    const first = locks.request(name, never);
    const rejected = assert.rejects(first, dom('AbortError'));
    assert.equal(await locks.request(name, { steal: true }, () => 'stolen'), 'stolen');
    await rejected;
  },
  'comes before those who wait': async (locks, name) => {
    await hold(locks, name);
    let isGranted = false;
    const waiting = locks.request(name, () => (isGranted = true));
    await locks.request(name, { steal: true }, () => assert.equal(isGranted, false));
    await waiting;
    assert.equal(isGranted, true);
  },
  'the last thief wins': async (locks, name) => {
    await hold(locks, name);
    const first = locks.request(name, { steal: true }, never);
    const rejected = assert.rejects(first, dom('AbortError'));
    await settle();
    await locks.request(name, { steal: true }, () => undefined);
    await rejected;
  },
};
