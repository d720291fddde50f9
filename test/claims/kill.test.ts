import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished, describe, expect, test } from 'vitest';

import { check, claim, history, release, repair, steal, type ClaimsOptions } from '../../src/claims/index.js';
import { startCli } from '../support/cli.js';
import {
  clones,
  git,
  optionsFor,
  serverHook,
  testRemote,
  transportsFor,
  type TestRemote,
  type Transport,
} from '../support/git-remotes.js';
import { serverProcessesOf } from '../support/git-servers.js';
import { eventually } from '../support/processes.js';

/** Calls `onStart` at the start of every git process, whoever started it, while that process is only beginning. */
async function traceStarts(path: string, onStart: () => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.includes('"event":"start"')) onStart();
    });
    socket.on('error', () => undefined);
  });
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

/** Runs a command and kills it, and nothing else, when the `n`th git process starts. False when it ended before. */
async function killedAt(
  n: number,
  remote: TestRemote,
  clone: string,
  words: readonly string[],
): Promise<boolean> {
  const socket = join(remote.directory, `trace-${n}`);
  let seen = 0;
  const server = await traceStarts(socket, () => {
    if (++seen === n) running.process.kill('SIGKILL');
  });
  const running = startCli(clone, words, { env: { GIT_TRACE2_EVENT: `af_unix:stream:${socket}` } });
  const { signal } = await running.ended;
  server.close();
  return signal === 'SIGKILL';
}

interface Scenario {
  /** The one of the default run; without one, the soak run alone has it. */
  readonly transport?: Transport;
  /** Default: x. Of several, all have the same history at all times. */
  readonly ids?: readonly string[];
  readonly words: readonly string[];
  prepare(ada: ClaimsOptions, bob: ClaimsOptions): Promise<unknown>;
  /** The histories that are allowed after the kill and after the same command once more. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  again(ada: ClaimsOptions): Promise<string | undefined>;
  readonly done: readonly string[];
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  claim: {
    transport: 'path',
    words: ['claim', 'x'],
    prepare: () => Promise.resolve(),
    before: [],
    after: ['claimed'],
    again: async (ada) => (await claim('x', ada)).outcome,
    done: ['claimed', 'already-held'],
  },
  'a claim of what others have': {
    words: ['claim', 'x'],
    prepare: (_, bob) => claim('x', bob),
    before: ['claimed'],
    after: ['claimed'],
    again: async (ada) => (await claim('x', ada)).outcome,
    done: ['contended'],
  },
  'a claim of what others took and released': {
    transport: 'path',
    words: ['claim', 'x'],
    prepare: (_, bob) => claim('x', bob).then(() => release('x', bob)),
    before: ['claimed', 'released'],
    after: ['claimed', 'released', 'claimed'],
    again: async (ada) => (await claim('x', ada)).outcome,
    done: ['claimed', 'already-held'],
  },
  'a claim of two': {
    ids: ['x', 'y'],
    words: ['claim', 'x', 'y'],
    prepare: () => Promise.resolve(),
    before: [],
    after: ['claimed'],
    again: async (ada) => (await claim(['x', 'y'], ada)).outcome,
    done: ['claimed', 'already-held'],
  },
  'a claim of a path': {
    transport: 'path',
    ids: ['src/'],
    words: ['claim', 'src/'],
    prepare: () => Promise.resolve(),
    before: [],
    after: ['claimed'],
    again: async (ada) => (await claim('src/', ada)).outcome,
    done: ['claimed', 'already-held'],
  },
  unclaim: {
    transport: 'daemon',
    words: ['unclaim', 'x'],
    prepare: (ada) => claim('x', ada),
    before: ['claimed'],
    after: ['claimed', 'released'],
    again: async (ada) => (await release('x', ada))[0]?.outcome,
    // The look in between may have settled it already.
    done: ['released', 'not-held'],
  },
  steal: {
    transport: 'http',
    words: ['claims', 'steal', 'x', '--force', '--reason', 'test'],
    prepare: (_, bob) => claim('x', bob),
    before: ['claimed'],
    after: ['claimed', 'stolen'],
    again: async (ada) => (await steal('x', { ...ada, force: true, reason: 'test' })).outcome,
    done: ['stolen', 'already-held'],
  },
};

const ROWS = Object.entries(SCENARIOS).flatMap(([name, scenario]) =>
  transportsFor(scenario.transport ?? []).map((transport) => ({ name, transport, scenario })),
);

describe.each(ROWS)('INV-GIT-10: kill -9 during $name over $transport', ({ transport, scenario }) => {
  test('after each git process start: before or after, nothing to repair, and the same command finishes it', async () => {
    const remote = await testRemote(transport);
    const [bob = ''] = await clones(remote, 'bob');
    let kills = 0;
    for (let n = 1; ; n++) {
      const [ada = ''] = await clones(remote, `ada-${n}`);
      const [asAda, asBob] = [optionsFor(ada), optionsFor(bob)];
      const ids = scenario.ids ?? ['x'];
      await deleteAll(remote, await git(remote.path, 'for-each-ref', '--format=delete %(refname)'));
      await scenario.prepare(asAda, asBob);
      const wasKilled = await killedAt(n, remote, ada, scenario.words);
      // The next command of the same clone works, whatever the orphaned git is doing.
      const checked = await check(ids, asAda);
      // Over a path the server outlives its pusher, and its two branches do not appear at the same moment.
      await eventually('the server is done', () => serverProcessesOf(remote).length === 0);
      const histories = await historiesOf(ids, asBob);
      expect([scenario.before, scenario.after], `kill ${n}`).toContainEqual(histories[0]);
      for (const history of histories) expect(history, `kill ${n}`).toEqual(histories[0]);
      const isThere = histories[0]?.length === scenario.after.length;
      for (const { outcome, cause } of checked) {
        if (outcome === 'unconfirmed') expect(cause, `kill ${n}`).toContain('may still reach it');
        if (isThere && scenario.words[0] !== 'unclaim')
          expect(outcome, `kill ${n}: denied, and there after all`).not.toBe('not-held');
      }
      expect(await repair(asBob)).toEqual([]);
      expect(scenario.done, `kill ${n}`).toContain(await scenario.again(asAda));
      for (const history of await historiesOf(ids, asBob))
        expect(history, `kill ${n}`).toEqual(scenario.after);
      if (!wasKilled) break;
      kills++;
    }
    // The servers of a daemon or of HTTP are not in the trace: only what runs here.
    expect(kills).toBeGreaterThanOrEqual(transport === 'path' ? 6 : 2);
  });
});

test('INV-GIT-10: a push that is killed while it holds the branch at a remote over a path leaves no lock there', async () => {
  const remote = await testRemote('path');
  const [ada = ''] = await clones(remote, 'ada');
  // The server holds the lock of the branch while this hook runs.
  const hold = '[ "$1" = prepared ] && [ ! -e inside ] && { touch inside; exec sleep 600; }; exit 0';
  await serverHook(remote, 'reference-transaction', hold);
  const running = startCli(ada, ['claim', 'x']);
  await eventually('the server holds the branch', () => existsSync(join(remote.path, 'inside')));
  running.process.kill('SIGKILL');
  await running.ended;
  expect((await claim('x', optionsFor(ada))).outcome).toBe('claimed');
  expect(await readdir(remote.path, { recursive: true })).not.toContainEqual(
    expect.stringMatching(/\.lock$/),
  );
});

function historiesOf(ids: readonly string[], who: ClaimsOptions): Promise<string[][]> {
  return Promise.all(
    ids.map(async (id) => (await history(id, who)).map(({ event }) => event as string).reverse()),
  );
}

async function deleteAll(remote: TestRemote, commands: string): Promise<void> {
  for (const command of commands.split('\n')) {
    const ref = command.split(' ')[1];
    if (ref !== undefined) await git(remote.path, 'update-ref', '-d', ref);
  }
}
