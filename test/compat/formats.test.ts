import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { testClone, testRemote } from '../support/git-remotes.js';
import { start, type TestChild } from '../support/processes.js';
import { threeEngines } from '../support/three-engines.js';
import { buildPrevious, THIS } from './previous.js';

const PARTY = fileURLToPath(new URL('fixtures/format-party.mjs', import.meta.url));
/** How a second one is kept out: it sees the hold, or it sees that it does not understand what is there. */
const KEPT_OUT = /^(contended|HOLDFAST_CONFIG_MISMATCH|HOLDFAST_PROTOCOL)$/;

const engines = threeEngines();
const previous = mkdtempSync(join(tmpdir(), 'previous-'));
beforeAll(() => void buildPrevious(previous));
afterAll(() => rmSync(previous, { recursive: true, force: true }));

interface Place {
  readonly address: string;
  readonly cwd: string;
}

const places: Readonly<Record<string, () => Place | Promise<Place>>> = {
  flock: () => ({ address: './a.lock', cwd: testDirectory() }),
  lease: () => ({ address: 'lease:./a', cwd: testDirectory() }),
  git: async () => {
    const remote = await testRemote();
    return { address: `git:${remote.url}#a`, cwd: await testClone(remote, 'ada') };
  },
  redis: () => ({ address: `${engines.redis.url}#a`, cwd: testDirectory() }),
  etcd: () => ({ address: `${engines.etcd.url}#a`, cwd: testDirectory() }),
  postgres: () => ({ address: `${engines.postgres.url}#a`, cwd: testDirectory() }),
};

function party(checkout: string, { address, cwd }: Place): TestChild {
  return start(process.execPath, [PARTY, checkout, address], { cwd });
}

async function outcomeOf(child: TestChild): Promise<string> {
  return (await child.line(/^\S+$/))[0];
}

describe.each(Object.keys(places))(
  'two formats on one lock never exclude nobody in silence: %s',
  (backend) => {
    test.each([
      ['the one before holds', (): readonly [string, string] => [previous, THIS]],
      ['this one holds', (): readonly [string, string] => [THIS, previous]],
    ] as const)('%s', async (_name, order) => {
      const place = (await places[backend]?.()) as Place;
      const [first, second] = order();
      const holder = party(first, place);
      expect(await outcomeOf(holder)).toBe('held');
      expect(await outcomeOf(party(second, place))).toMatch(KEPT_OUT);
      holder.process.stdin?.end();
      // In a shared clone the newer one has written the journal anew: the older one refuses even its own release, and its
      // claim stays, for all to see, until it is stale.
      const mayRefuse = backend === 'git' && first === previous;
      const released = mayRefuse ? /^held\n((HOLDFAST_PROTOCOL|HOLDFAST_CONFIG_MISMATCH)\n)?$/ : /^held\n$/;
      expect((await holder.exited).stdout).toMatch(released);
    });
  },
);

const run = (checkout: string, cwd: string, code: string): string =>
  execFileSync(
    process.execPath,
    ['--input-type=module', '-e', `const at = ${JSON.stringify(join(checkout, 'dist'))};\n${code}`],
    { cwd, encoding: 'utf8' },
  );

describe('what one version has written, the other reads whole or refuses', () => {
  const orders = [
    ['from the one before', (): readonly [string, string] => [previous, THIS]],
    ['to the one before', (): readonly [string, string] => [THIS, previous]],
  ] as const;

  test.each(orders)('JSON lines, %s', (_name, order) => {
    const [writer, reader] = order();
    const directory = testDirectory();
    run(
      writer,
      directory,
      `const { JsonLines } = await import(at + '/durable/index.js');
       await new JsonLines('log.jsonl').append({ n: 1 });`,
    );
    const before = readFileSync(join(directory, 'log.jsonl'), 'utf8');
    const read = run(
      reader,
      directory,
      `const { JsonLines } = await import(at + '/durable/index.js');
       const lines = new JsonLines('log.jsonl');
       try { await lines.append({ n: 2 }); console.log('appended'); } catch (error) { console.log(error.code); }`,
    ).trim();
    const after = readFileSync(join(directory, 'log.jsonl'), 'utf8');
    if (read === 'appended') expect(after.startsWith(before) && after.includes('{"n":2}')).toBe(true);
    else
      expect([read, after]).toEqual([expect.stringMatching(/^HOLDFAST_(PROTOCOL|CONFIG_MISMATCH)$/), before]);
  });

  test.each(orders)('a cache file, %s', (_name, order) => {
    const [writer, reader] = order();
    const directory = testDirectory();
    const cache = (value: number): string =>
      `const { SharedCache } = await import(at + '/cache/index.js');
       const cache = new SharedCache('list.json', { ttlMs: 600_000, fetch: () => ({ n: ${value} }) });
       try { console.log((await cache.get()).value.n); } catch (error) { console.log(error.code); }`;
    expect(run(writer, directory, cache(1)).trim()).toBe('1');
    // Read, or thrown away and fetched again: never half of either.
    expect(run(reader, directory, cache(2)).trim()).toMatch(
      /^(1|2|HOLDFAST_PROTOCOL|HOLDFAST_CONFIG_MISMATCH)$/,
    );
  });
});
