// Ten lines on a platform that is emulated: the addon loads, excludes, waits, tells and lets go.
import { acquire, acquireSync, inspect, tryAcquire, withLock } from 'holdfast';

const guard = await acquire('x.lock', { reason: 'emulated' });
const isExclusive = (await tryAcquire('x.lock')) === undefined;
const { isHeld } = await inspect('x.lock');
const waiting = acquire('x.lock', { timeoutMs: 20_000 });
await new Promise((resolve) => setTimeout(resolve, 200));
await guard.release();
await (await waiting).release();
acquireSync('x.lock').release();
let readers = 0;
await Promise.all([1, 2, 3].map(() => withLock('x.lock', { mode: 'shared' }, () => void readers++)));
console.log(process.platform, process.arch, isExclusive, isHeld, readers);
