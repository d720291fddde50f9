import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';

import {
  ERROR_CODES,
  isLockError,
  LockCanceledError,
  LockError,
  LockLostError,
  LockTimeoutError,
} from '../../src/core/errors.js';
import {
  canceledError,
  contendedError,
  describeHolder,
  describeHolders,
  timeoutError,
} from '../../src/core/messages.js';
import { resolveOptions } from '../../src/core/options.js';
import { Timeout } from '../../src/core/timeout.js';
import { codeOfErrno, errnoOf, systemError } from '../../src/core/system-error.js';

const holder = {
  state: 'holder',
  mode: 'exclusive',
  pid: 4711,
  program: 'make',
  host: 'build-7',
  sinceAt: '2026-11-20T18:00:00.000Z',
} as const;

describe('LockError', () => {
  test.each(ERROR_CODES)('%s answers its booleans alike', (code) => {
    const error = new LockError('x', { code });
    expect(isLockError(error)).toBe(true);
    expect(error.isTimeout).toBe(code === 'HOLDFAST_TIMEOUT' || code === 'HOLDFAST_CONTENDED');
    expect(error.isLost).toBe(code === 'HOLDFAST_LOST');
    expect(error.isCanceled).toBe(code === 'HOLDFAST_CANCELED');
    expect(error.isUnconfirmed).toBe(code === 'HOLDFAST_UNCONFIRMED');
  });

  test('has subclasses with names of their own', () => {
    expect(new LockTimeoutError('x', { code: 'HOLDFAST_TIMEOUT' }).name).toBe('LockTimeoutError');
    expect(new LockLostError('x', { lossReason: 'taken' })).toMatchObject({
      code: 'HOLDFAST_LOST',
      lossReason: 'taken',
    });
    expect(new LockCanceledError('x', {}).name).toBe('AbortError');
  });

  test.each([null, undefined, 1, 'x', {}, new Error('x'), { code: 'HOLDFAST_LOST' }])(
    '%s is none',
    (value) => {
      expect(isLockError(value)).toBe(false);
    },
  );
});

describe('messages', () => {
  const form = /^Could not [a-z ]+ "a\.lock"[^:]*: .+\. [A-Z].+\.$/;

  test('a timeout names the holder, the value and its source', () => {
    const timeout = new Timeout(2_000, '--wait');
    const { message, code, holders } = timeoutError('a.lock', timeout, [holder]);
    expect(message).toMatch(form);
    expect(message).toContain('timeout 2 s (--wait)');
    expect(message).toContain('pid 4711 (make) on build-7 since 2026-11-20T18:00:00.000Z');
    expect({ code, holders }).toEqual({ code: 'HOLDFAST_TIMEOUT', holders: [holder] });
  });

  test('a hold of this very process is called so', () => {
    const { timeout } = resolveOptions({}, false);
    const own = /This very process holds it, and locks are not reentrant: release it first/;
    expect(timeoutError('a.lock', timeout, [holder], { isOwn: true }).message).toMatch(own);
    expect(contendedError('a.lock', [holder], timeout, { isOwn: true }).message).toMatch(form);
    expect(contendedError('a.lock', [holder], timeout).message).not.toMatch(own);
  });

  test('a timeout always has a list of holders, and its tokens become decimal strings in JSON', () => {
    const { timeout } = resolveOptions({}, false);
    expect(timeoutError('a.lock', timeout, undefined).holders).toEqual([]);
    const numbered = timeoutError('a.lock', timeout, [{ ...holder, fencingToken: 2n ** 60n }]);
    expect(numbered.holders[0]?.fencingToken).toBe(2n ** 60n);
    expect(JSON.parse(JSON.stringify(numbered.holders))).toMatchObject([
      { pid: 4711, fencingToken: String(2n ** 60n) },
    ]);
  });

  test('a default timeout says that it is one', () => {
    expect(timeoutError('a.lock', resolveOptions({}, false).timeout, undefined).message).toContain(
      'timeout 30 s (default)',
    );
  });

  test('a single try names its source only when the caller may not know of it', () => {
    expect(contendedError('a.lock', [holder], new Timeout(0, 'timeoutMs')).message).not.toContain('timeout');
    expect(contendedError('a.lock', [holder], new Timeout(0, 'HOLDFAST_LOCK_TIMEOUT')).message).toContain(
      'timeout 0 s (HOLDFAST_LOCK_TIMEOUT)',
    );
  });

  test('a cancel is unlike a timeout and carries the reason', () => {
    const reason = new Error('enough');
    const error = canceledError('a.lock', reason);
    expect(error.message).toMatch(form);
    expect(error.message).not.toContain('timeout');
    expect(error.cause).toBe(reason);
  });

  test('names three holders at most, and no waiter', () => {
    const many = [1, 2, 3, 4, 5].map((pid) => ({ state: 'holder', mode: 'shared', pid }) as const);
    expect(describeHolders([...many, { state: 'waiter', mode: 'shared', pid: 9 }])).toBe(
      'it is held by pid 1, pid 2, pid 3 and 2 more',
    );
    expect(describeHolders([])).toBe('it is held by an unknown holder');
    expect(describeHolders(undefined)).toBe('it is held by an unknown holder');
  });

  test('tells as much of a holder as is known', () => {
    expect(describeHolder({ state: 'holder', mode: 'shared' })).toBe('an unknown holder');
    expect(describeHolder({ state: 'holder', mode: 'shared', note: 'held, not visible here' })).toBe(
      'held, not visible here',
    );
    expect(describeHolder({ ...holder, reason: 'release 7' })).toContain('"release 7"');
    expect(describeHolder({ state: 'holder', mode: 'shared', holderId: 'abc' })).toBe('holder abc');
  });
});

describe('system errors', () => {
  test.each([
    ['EACCES', 'HOLDFAST_PERMISSION'],
    ['EPERM', 'HOLDFAST_PERMISSION'],
    ['EROFS', 'HOLDFAST_PERMISSION'],
    ['ENOSPC', 'HOLDFAST_IO'],
    ['EMFILE', 'HOLDFAST_IO'],
    ['ENOLCK', 'HOLDFAST_IO'],
  ])('%s is %s', (errno, code) => {
    expect(codeOfErrno(errno)).toBe(code);
    const error = systemError('lock', 'a.lock', errno);
    expect(error).toMatchObject({ code, resource: 'a.lock', cause: { code: errno } });
    expect(error.message).toContain(`(${errno})`);
  });

  test('take the number of C as well as the name', () => {
    expect(systemError('lock', 'a.lock', 28).message).toContain('no space is left on the device (ENOSPC)');
  });

  test('errnoOf knows only errnos', () => {
    expect(errnoOf(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT');
    expect(errnoOf(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeUndefined();
    expect(errnoOf({ code: 'HOLDFAST_LOST' })).toBeUndefined();
    expect(errnoOf(null)).toBeUndefined();
  });
});

describe('an errno that libuv has no name for', () => {
  const { ENOLCK, EDQUOT, ESTALE } = constants.errno;

  test.each([
    [ENOLCK, 'the file system refuses locks (ENOLCK). Use lease:PATH there.'],
    [EDQUOT, 'the disk quota is used up (EDQUOT). Free some space.'],
    [ESTALE, '(ESTALE)'],
  ])('%i is named', (errno, text) => {
    expect(systemError('lock', 'x', errno).message).toContain(text);
  });

  test('is read from what node:fs throws', () => {
    const thrown = Object.assign(new Error('?'), { code: `Unknown system error -${ESTALE}`, errno: -ESTALE });
    expect(errnoOf(thrown)).toBe('ESTALE');
    expect(errnoOf({ code: 'Unknown system error -4999' })).toBeUndefined();
  });
});
