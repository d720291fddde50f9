import { describe, expect, test } from 'vitest';

import { HttpCache, SharedCache } from '../../src/cache/index.js';
import * as claims from '../../src/claims/index.js';
import { JsonFile, JsonLines, writeFileDurable } from '../../src/durable/index.js';
import { httpResource, sqlRow } from '../../src/fencing/index.js';
import { bridgeToOpenTelemetry } from '../../src/observe/index.js';
import {
  BUILT_IN_RECIPES,
  emitExports,
  install,
  remove,
  rollback,
  status,
  type Recipe,
} from '../../src/provision/index.js';

type Call = (options: object) => unknown;

const URL = 'http://127.0.0.1:1/';
const [RECIPE] = BUILT_IN_RECIPES as [Recipe];
const shared = (): SharedCache<number> => new SharedCache('/nowhere/x', { fetch: () => 1 });
const file = (): JsonFile<object> => new JsonFile('/nowhere/x', { defaultValue: {} });
const lines = (): JsonLines<object> => new JsonLines('/nowhere/x');

/** Each refuses wrong options before anything else. */
const CALLS: Readonly<Record<string, Call>> = {
  'cache: SharedCache': (options) => new SharedCache('/nowhere/x', { fetch: () => 1, ...options }),
  'cache: HttpCache': (options) => new HttpCache('/nowhere/x', URL, options),
  'cache: get': (options) => shared().get(options),
  'cache: refresh': (options) => shared().refresh(options),
  'durable: JsonFile': (options) => new JsonFile('/nowhere/x', options),
  'durable: update': (options) => file().update((value) => value, options),
  'durable: JsonLines': (options) => new JsonLines('/nowhere/x', options),
  'durable: append': (options) => lines().append({}, options),
  'durable: read': async (options) => lines().read(options).next(),
  'durable: writeFileDurable': (options) => writeFileDurable('/nowhere/x', '', options),
  'claims: check': (options) => claims.check('x', options),
  'claims: checkBranches': (options) => claims.checkBranches(['x'], options),
  'claims: claim': (options) => claims.claim('x', options),
  'claims: doctor': (options) => claims.doctor(options),
  'claims: forceRelease': (options) => claims.forceRelease('x', { reason: 'r', ...options }),
  'claims: history': (options) => claims.history('x', options),
  'claims: installHook': (options) => claims.installHook(options),
  'claims: list': (options) => claims.list(options),
  'claims: prune': (options) => claims.prune({ olderThanMs: 1, ...options }),
  'claims: release': (options) => claims.release('x', options),
  'claims: renew': (options) => claims.renew('x', options),
  'claims: repair': (options) => claims.repair(options),
  'claims: steal': (options) => claims.steal('x', options),
  'claims: sync': (options) => claims.sync(options),
  'provision: install': (options) => install(RECIPE, options),
  'provision: remove': (options) => remove(RECIPE, options),
  'provision: rollback': (options) => rollback(RECIPE, options),
  'provision: status': (options) => status(RECIPE, options),
  'provision: emitExports': (options) => emitExports([], 'sh', options),
  'fencing: sqlRow': (options) => sqlRow({} as never, { table: 't', key: { id: 1 }, ...options }),
  'fencing: httpResource': (options) => httpResource(URL, options),
  'otel: bridgeToOpenTelemetry': (options) => bridgeToOpenTelemetry(options),
};

/** An option of each with a value of a wrong type, and what the message says of it. */
const WRONG: Readonly<Record<string, readonly [object, RegExp]>> = {
  cache: [{ timeoutMs: '5' }, /^timeoutMs must be a number, not "5"\.$/],
  claims: [{ cwd: 5 }, /^cwd must be text, not 5\.$/],
  'durable: JsonFile': [{ indent: true }, /^indent must be a number or text, not true\.$/],
  'durable: update': [{ fencingToken: 5 }, /^fencingToken must be a bigint, not 5\.$/],
  'durable: append': [{ timeoutMs: '5' }, /^timeoutMs must be a number, not "5"\.$/],
  'durable: read': [{ includesRotated: 1 }, /^includesRotated must be true or false, not 1\.$/],
  'durable: writeFileDurable': [{ signal: {} }, /^signal must be an AbortSignal, not an object\.$/],
  'fencing: httpResource': [{ method: 1 }, /^method must be text, not 1\.$/],
  'otel: bridgeToOpenTelemetry': [{ spans: 'no' }, /^spans must be true or false, not "no"\.$/],
  provision: [{ env: 'x' }, /^env must be an object, not "x"\.$/],
};

async function refusalOf(call: Call, options: object): Promise<unknown> {
  try {
    return await call(options);
  } catch (error) {
    return error;
  }
}

describe.each(Object.entries(CALLS))('%s', (name, call) => {
  test('refuses a name that it does not know, and names the nearest', async () => {
    const error = await refusalOf(call, { colour: 'red' });
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(/^There is no option "colour"\. The options are \w+/);
  });

  const [options, complaint] = WRONG[name] ?? WRONG[name.replace(/:.*/, '')] ?? [];
  if (options === undefined || complaint === undefined) return;
  test('refuses a value of a wrong type', async () => {
    const error = await refusalOf(call, options);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(complaint);
  });
});

test('a near miss is told the right name', async () => {
  const error = await refusalOf((options) => claims.claim('x', options), { timeoutms: 5 });
  expect((error as Error).message).toBe('There is no option "timeoutms". Did you mean timeoutMs?');
});
