import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Lab, type GuestProgram, type Machine } from './machine.js';
import { EXPORTED, mountNfs, MOUNTED, serveNfs, unmount } from './shares.js';

const PROGRAM = fileURLToPath(new URL('../replaced.mjs', import.meta.url));

const lab = new Lab();
let server: Machine;
let one: Machine;
let two: Machine;

beforeAll(async () => {
  [server, one, two] = (await lab.boot(['server', 'one', 'two'])) as [Machine, Machine, Machine];
  await serveNfs(server);
});

afterAll(() => lab.remove());

interface Result {
  readonly done: number;
  readonly failed: number;
  readonly last: number;
  readonly failures: Readonly<Record<string, number>>;
}

interface Order {
  readonly forMs?: number;
  readonly times?: number;
  readonly padding?: number;
  readonly lock?: string;
}

function start(client: Machine, role: string, name: string, order: Order): GuestProgram {
  const json = JSON.stringify(order);
  return client.start(`exec '${process.execPath}' '${PROGRAM}' ${role} ${MOUNTED}/${name} '${json}'`);
}

async function resultOf(program: GuestProgram): Promise<Result> {
  const { match } = await program.line(/^done (.*)$/, 60_000);
  return JSON.parse(match[1] as string) as Result;
}

const once = (client: Machine, role: string, name: string): Promise<Result> =>
  resultOf(start(client, role, name, { times: 1 }));

describe.each(['4.2', '3'])('on NFS %s', (version) => {
  beforeAll(async () => {
    await Promise.all([one, two].map((client) => mountNfs(client, server, `vers=${version},proto=tcp,hard`)));
  });

  afterAll(async () => {
    await Promise.all([one, two].map((client) => unmount(client)));
  });

  it.each([
    ['update', 'read', 100],
    ['update', 'read', 20_000],
    ['refresh', 'get', 100],
    ['refresh', 'get', 20_000],
    ['append', 'lines', 100],
  ])(
    'while one client does nothing but %s, %s by another never fails (%i bytes)',
    async (write, read, padding) => {
      const name = `${write}-${padding}-${version}`;
      // Only one writes: a lock of its own kernel's is quicker.
      const order = { padding, lock: `/run/${name}.lock` };
      await resultOf(start(one, write, name, { ...order, times: 20 }));
      const programs = [
        start(one, write, name, { ...order, forMs: 8_000 }),
        start(two, read, name, { ...order, forMs: 8_000 }),
        start(two, 'plain', name, { ...order, forMs: 8_000 }),
      ];
      const [writer, reader, plain] = (await Promise.all(programs.map(resultOf))) as [Result, Result, Result];
      tell(`NFS ${version} ${write} ${padding}`, { writer, reader, plain });
      expect([writer.failures, reader.failures]).toEqual([{}, {}]);
      expect(reader.done).toBeGreaterThan(0);
    },
  );

  it.each([
    ['update', 'read', 'which both had found missing'],
    ['update', 'update', 'whose older version a hard link keeps'],
    ['refresh', 'refresh', 'whose older version a hard link keeps'],
  ])(
    '%s starts from what another client wrote a moment ago (after %s), to a file %s',
    async (write, before, _how) => {
      for (let round = 0; round < 3; round++) {
        const name = `${write}-after-${before}-${round}-${version}`;
        const first = await once(two, before, name);
        if (before !== 'read') await server.run(`ln ${EXPORTED}/${name} ${EXPORTED}/${name}.old`);
        await once(one, write, name);
        const { last, failures } = await once(two, write, name);
        expect([last, failures]).toEqual([first.last + 2, {}]);
      }
    },
  );

  it('no update of two clients is lost and none fails, also while others read', async () => {
    const name = `counted-${version}`;
    const writers = [one, one, two, two].map((client) => start(client, 'update', name, { forMs: 12_000 }));
    // Who reads keeps the versions before open.
    const readers = [one, two].map((client) => start(client, 'read', name, { forMs: 12_000 }));
    const results = await Promise.all(writers.map(resultOf));
    const reads = await Promise.all(readers.map(resultOf));
    const { n } = JSON.parse(await server.run(`cat ${EXPORTED}/${name}`)) as { n: number };
    tell(`NFS ${version} counted`, { n, results, reads });
    expect(n).toBe(results.reduce((sum, { done }) => sum + done, 0));
    expect([...results, ...reads].map(({ failures }) => failures)).toEqual(Array(6).fill({}));
  });
});

function tell(what: string, figures: object): void {
  process.stdout.write(`${what} ${JSON.stringify(figures)}\n`);
}
