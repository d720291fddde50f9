import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Lab, type GuestProgram, type Machine } from './machine.js';
import { mountNfs, MOUNTED, serveNfs } from './shares.js';

const HOLDER = fileURLToPath(new URL('../holder.mjs', import.meta.url));
const LEASE_MS = 3_000;

const lab = new Lab();
let server: Machine;
let one: Machine;
let two: Machine;

beforeAll(async () => {
  [server, one, two] = (await lab.boot(['server', 'one', 'two'])) as [Machine, Machine, Machine];
  await serveNfs(server);
  // An hour apart: no clock decides anything.
  await two.run("date -s '+1 hour'");
  await Promise.all([one, two].map((client) => mountNfs(client, server, 'vers=4.2,proto=tcp,hard')));
});

afterAll(() => lab.remove());

function hold(client: Machine, name: string): GuestProgram {
  const order = JSON.stringify({ leaseMs: LEASE_MS });
  return client.start(`exec '${process.execPath}' '${HOLDER}' 'lease:${MOUNTED}/${name}' '${order}'`);
}

describe('a lease on NFS 4.2, between two kernels whose clocks are an hour apart', () => {
  it('is lost by a holder that is cut off before another gets it, and its late write is refused', async () => {
    const first = hold(one, 'cut');
    const { match } = await first.line(/^held (\d+)/, 60_000);
    first.write(`write ${MOUNTED}/data from-one\n`);
    await first.line(/^did write$/);
    const second = hold(two, 'cut');
    await second.line(/^ready/, 60_000);
    one.disconnect();
    const lost = await first.line(/^lost (\S+)$/, 60_000);
    const granted = await second.line(/^held (\d+)/, 60_000);
    expect(lost.match[1]).toBe('expired');
    expect(lost.at).toBeLessThan(granted.at);
    expect(BigInt(granted.match[1] ?? 0)).toBeGreaterThan(BigInt(match[1] ?? 0));
    second.write(`write ${MOUNTED}/data from-two\n`);
    await second.line(/^did write$/);
    one.connect();
    first.write(`write ${MOUNTED}/data too-late\n`);
    await first.line(/^failed write HOLDFAST_LOST/);
    first.write(`write-late ${MOUNTED}/data too-late\n`);
    const refusal = await first.line(/^failed write-late HOLDFAST_LOST (.*)$/, 60_000);
    expect(refusal.match[1]).toContain('it was written under fencing token');
    expect(await two.run(`cat ${MOUNTED}/data`)).toBe(`${granted.match[1]} from-two\n`);
    second.write('assert\n');
    await second.line(/^did assert$/);
    first.write('release\n');
    await first.line(/^did release$/, 60_000);
    second.write('assert\nrelease\n');
    await second.line(/^did release$/);
    for (const holder of [first, second]) holder.kill('SIGKILL');
    process.stdout.write(`lost ${Math.round(granted.at - lost.at)} ms before the other was granted\n`);
  });

  it('is what flock is not: its holder is cut off, another gets it, and nobody tells', async () => {
    const order = (client: Machine): GuestProgram =>
      client.start(`exec '${process.execPath}' '${HOLDER}' 'flock:${MOUNTED}/cut.lock'`);
    const first = order(one);
    await first.line(/^held/, 60_000);
    const second = order(two);
    await second.line(/^ready/, 60_000);
    one.disconnect();
    await second.line(/^held/, 90_000);
    one.connect();
    first.write('assert\n');
    await first.line(/^did assert$/, 60_000);
    expect(first.stdout()).not.toContain('lost');
    for (const holder of [first, second]) holder.kill('SIGKILL');
  });
});
