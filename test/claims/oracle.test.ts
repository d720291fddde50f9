import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

import { claim, list } from '../../src/claims/index.js';
import { testDirectory } from '../support/directory.js';
import { GIT_ENV, startHttp } from '../support/git-remotes.js';
import { NEIGHBOURS } from './oracle-neighbours.js';
import { ROWS, type Row } from './oracle-table.js';

const run = promisify(execFile);

/** Stands for ssh: wants the key that -i names, then runs the remote command here. */
const SSH_STUB = `#!/bin/sh
[ "$1" = -i ] && [ -r "$2" ] || { echo "git@forge: Permission denied (publickey)." >&2; exit 255; }
for last; do :; done
exec sh -c "$last"
`;

interface Scene {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  filled(text: string): string;
  sh(script: string): Promise<string>;
}

async function scene(row: Row): Promise<Scene> {
  const directory = testDirectory();
  const [home, bin, remote] = ['home', 'bin', 'remote.git'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, bin]) mkdirSync(path);
  writeFileSync(join(bin, 'ssh'), SSH_STUB);
  chmodSync(join(bin, 'ssh'), 0o755);
  const http = `http://127.0.0.1:${await startHttp(directory)}`;
  const values: Record<string, string> = { R: remote, D: directory, HTTP: http };
  const filled = (text: string): string =>
    text.replace(/\$(R|D|HTTP)\b/g, (_, name: string) => values[name] ?? '');
  const { GIT_CONFIG_GLOBAL: _, ...base } = GIT_ENV;
  const plain = { ...base, ...values, HOME: home, PATH: `${bin}:${process.env['PATH']}` };
  const sh = async (script: string, cwd: string): Promise<string> =>
    (await run('sh', ['-ec', script], { cwd, env: plain })).stdout;
  await sh(
    'git init -q --bare -b main "$R"; git -C "$R" config http.receivepack true; git init -q -b main clone; cd clone; git config user.name ada; git config user.email a@b; git remote add origin "$R"; git commit -q --allow-empty -m x; git push -q origin HEAD:main',
    directory,
  );
  const cwd = join(directory, 'clone');
  if (row.script !== undefined) await sh(row.script, cwd);
  const own = Object.entries(row.env ?? {}).map(([name, value]) => [name, filled(value)]);
  return {
    cwd,
    env: { ...plain, ...Object.fromEntries(own) },
    filled,
    sh: (script) => sh(script, directory),
  };
}

describe('wherever git ls-remote works, claims do, and in the same repository', () => {
  test('the table has at least 40 rows', () => expect(ROWS.length).toBeGreaterThanOrEqual(40));

  test.each([...ROWS, ...NEIGHBOURS])('$name', { timeout: 60_000 }, async (row) => {
    const { cwd, env, filled, sh } = await scene(row);
    const remote = filled(row.remote ?? 'origin');
    const options = { cwd, env, agent: 'ada', ...(row.remote !== undefined && { remote }) };
    if (row.fails !== undefined) {
      const { code, message } = row.fails;
      await expect(claim('x', options)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message) as string,
      });
      return;
    }
    const named = row.name === 'holdfast.remote' ? 'upstream' : remote;
    await run('git', ['ls-remote', '-q', named], { cwd, env });
    expect((await claim('x', options)).outcome).toBe('claimed');
    expect((await list(options)).claims).toMatchObject([{ id: 'x', isMine: true }]);
    const refs = await sh(`git --git-dir="${filled(row.at ?? '$R')}" for-each-ref --format='%(refname)'`);
    expect(refs).toContain('refs/heads/holdfast/claims/x\n');
  });
});
