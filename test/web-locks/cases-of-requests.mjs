// One request: its arguments, its callback, its name.
import assert from 'node:assert/strict';

import { dom, hold, later, never, settle, unreached } from './case-tools.mjs';

export const ACQUIRE = {
  'needs a name and a callback': async (locks, name) => {
    await assert.rejects(locks.request(), TypeError);
    await assert.rejects(locks.request(name), TypeError);
    for (const wrong of [undefined, null, 123, 'abc', [], {}, never()])
      await assert.rejects(locks.request(name, wrong), TypeError);
  },
  'takes two modes': async (locks, name) => {
    for (const mode of ['foo', null])
      await assert.rejects(locks.request(name, { mode }, unreached), TypeError);
    for (const mode of ['exclusive', 'shared'])
      assert.equal(await locks.request(name, { mode }, (lock) => lock.mode), mode);
  },
  'refuses options that exclude each other': async (locks, name) => {
    const { signal } = new AbortController();
    for (const options of [
      { steal: true, ifAvailable: true },
      { steal: true, mode: 'shared' },
      { steal: true, signal },
      { ifAvailable: true, signal },
    ])
      await assert.rejects(locks.request(name, options, unreached), dom('NotSupportedError'));
  },
  'settles after the callback has': async (locks, name) => {
    const order = [];
    const { promise, resolve } = later();
    const done = locks.request(name, () => promise);
    void promise.then(() => order.push('callback'));
    void done.then(() => order.push('request'));
    resolve();
    await done;
    await settle();
    assert.deepEqual(order, ['callback', 'request']);
  },
  'rejects with exactly what the callback rejects with': (locks, name) =>
    rejectsWith(locks, name, (thrown) => async () => {
      throw thrown;
    }),
};

/** Node 24 never settles such a request. */
export const BEYOND_NODE = {
  'rejects with exactly what the callback throws at once': (locks, name) =>
    rejectsWith(locks, name, (thrown) => () => {
      throw thrown;
    }),
};

/** Also with a thenable, which is not called. */
async function rejectsWith(locks, name, throwing) {
  const thenable = Object.fromEntries([[['th', 'en'].join(''), unreached]]);
  for (const thrown of [{ name: 'test' }, thenable]) {
    const failed = locks.request(name, throwing(thrown));
    assert.equal(Promise.resolve(failed), failed);
    await failed.then(unreached, (error) => assert.equal(error === thrown, true));
  }
}

export const HELD = {
  'resolves with what the callback returns': async (locks, name) => {
    const done = locks.request(name, () => 123);
    assert.equal(Promise.resolve(done), done);
    assert.equal(await done, 123);
  },
  'is held until the promise of the callback resolves': async (locks, name) => {
    const order = [];
    const first = await hold(locks, name);
    const second = locks.request(name, () => void order.push('second'));
    await settle();
    order.push('end of the first');
    first.end();
    await second;
    assert.deepEqual(order, ['end of the first', 'second']);
  },
  'is held until the promise of the callback rejects': async (locks, name) => {
    const order = [];
    const ended = later();
    const first = locks.request(name, () => ended.promise);
    first.catch(() => undefined);
    const second = locks.request(name, () => void order.push('second'));
    await settle();
    order.push('rejected');
    ended.reject(new Error('on purpose'));
    await second;
    assert.deepEqual(order, ['rejected', 'second']);
  },
  'keeps its own client out': async (locks, name) => {
    const { end } = await hold(locks, name);
    assert.equal(await locks.request(name, { ifAvailable: true }, (lock) => lock), null);
    end();
  },
};

/** [held mode, asked mode, is it available]; undefined: nothing is held. */
const AVAILABLE = [
  [undefined, 'exclusive', true],
  ['exclusive', 'exclusive', false],
  ['shared', 'shared', true],
  ['shared', 'exclusive', false],
  ['exclusive', 'shared', false],
];

export const IF_AVAILABLE = {
  ...Object.fromEntries(
    AVAILABLE.map(([held, asked, isAvailable]) => [
      `${asked} while ${held ?? 'nothing'} is held`,
      async (locks, name) => {
        const held_ = held && (await hold(locks, name, { mode: held }));
        const got = await locks.request(name, { mode: asked, ifAvailable: true }, (lock) => lock);
        assert.equal(got !== null, isAvailable);
        held_?.end();
      },
    ]),
  ),
  'passes on what the callback returns or throws': async (locks, name) => {
    const { end } = await hold(locks, name);
    const options = { ifAvailable: true };
    assert.equal(await locks.request(name, options, async () => 123), 123);
    const thrown = { name: 'test' };
    for (const callback of [
      (lock) => {
        assert.equal(lock, null);
        throw thrown;
      },
      async () => {
        throw thrown;
      },
    ])
      await locks.request(name, options, callback).then(unreached, (error) => assert.equal(error, thrown));
    end();
  },
  'another name is free': async (locks, name) => {
    const { end } = await hold(locks, name);
    assert.notEqual(await locks.request(`${name} 2`, { ifAvailable: true }, (lock) => lock), null);
    end();
  },
  'a lock that was released is free': async (locks, name) => {
    await locks.request(name, async () => {
      await locks.request(`${name} 2`, () => undefined);
      assert.notEqual(await locks.request(`${name} 2`, { ifAvailable: true }, (lock) => lock), null);
    });
  },
};

const NAMES = [
  '',
  'abc\0def',
  '\uD800',
  '\uDC00',
  '\uDC00\uD800',
  '\uFFFF',
  '/../..',
  'A',
  'é',
  'x'.repeat(300),
];

export const RESOURCE_NAMES = {
  ...Object.fromEntries(
    NAMES.map((text) => [
      `keeps ${JSON.stringify(text.slice(0, 12))}`,
      (locks) => locks.request(text, ({ name }) => assert.equal(name, text)),
    ]),
  ),
  'tells apart what is no valid UTF-16, and upper from lower case': (locks) =>
    locks.request('\uD800', () =>
      locks.request('\uFFFD', () => locks.request('a', () => locks.request('A', () => undefined))),
    ),
  'refuses names that begin with a hyphen': async (locks) => {
    for (const name of ['-', '-foo'])
      await assert.rejects(locks.request(name, unreached), dom('NotSupportedError'));
    assert.equal(await locks.request('x-anything', () => 1), 1);
  },
};
