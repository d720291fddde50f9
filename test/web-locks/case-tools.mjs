// What the cases of Web Locks share.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

export const never = () => new Promise(() => undefined);
export const settle = () => sleep(10);
export const dom = (name) => (error) => error instanceof DOMException && error.name === name;
export const modesOf = (list, name) => list.filter((info) => info.name === name).map(({ mode }) => mode);

export function later() {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

/** Holds until `end` is called; `done` is the promise of its request. */
export async function hold(locks, name, options = {}) {
  const ended = later();
  const granted = later();
  const done = locks.request(name, options, () => {
    granted.resolve();
    return ended.promise;
  });
  done.catch(() => undefined);
  await granted.promise;
  return { done, end: ended.resolve };
}

export const unreached = () => assert.fail('the callback must not run');
