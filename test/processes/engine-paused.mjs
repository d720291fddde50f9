// Counts in a fenced resource, and is paused by its parent: `node engine-paused.mjs ADDRESS RESOURCE_URL ROUNDS LEASE_MS`.
// Each hold is told with the interval in which its holder acted as one.
import { fencedUpdate, httpResource } from '../../dist/fencing/index.js';
import { acquire, isLockError } from '../../dist/index.js';
import { once } from 'node:events';

const [, , address, url, rounds, leaseMs] = process.argv;
const resource = httpResource(url);
// One clock for all processes of the host, whatever their wall clocks say.
const now = () => Number(process.hrtime.bigint()) / 1e6;
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

for (let round = 0; round < Number(rounds);) {
  const guard = await acquire(address, { timeoutMs: Infinity, leaseDurationMs: Number(leaseMs) }).catch(
    (error) => {
      // A server that answers late, as on a busy machine, is asked again.
      if (isLockError(error) && (error.isLost || error.code === 'HOLDFAST_BACKEND_UNAVAILABLE'))
        return undefined;
      throw error;
    },
  );
  if (guard === undefined) continue;
  const from = now();
  try {
    // What a later holder has only read is not protected: so it writes before it reads.
    await fencedUpdate(guard, resource, { body: '' });
    const value = Number(await (await fetch(url)).text());
    tell({ type: 'in' });
    // The parent says when to go on; it may have stopped us for longer than the lease by then.
    await once(process.stdin, 'data');
    // Past the last check of its own, as code that is paused between a check and a write would be.
    const outcome = await resource.write(guard.fencingToken, { body: String(value + 1) });
    const type = outcome === 'written' ? 'accepted' : 'refused';
    tell({ type, from, to: now(), token: String(guard.fencingToken) });
    if (outcome === 'written') round++;
  } catch (error) {
    if (!isLockError(error)) throw error;
    tell({ type: 'refused', from, to: now(), token: String(guard.fencingToken) });
  }
  await guard.release().catch(() => undefined);
}
process.exit();
