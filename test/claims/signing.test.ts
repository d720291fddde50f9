import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { claim, list, release, type ClaimsOptions } from '../../src/claims/index.js';
import { cli } from '../support/cli.js';
import {
  clones,
  git,
  optionsFor,
  testRemote,
  type TestRemote,
  type Transport,
} from '../support/git-remotes.js';

/** Keys for ada and bob, and a file that says whose they are. */
async function signers(
  mode: string,
  transport: Transport,
): Promise<{ remote: TestRemote; ada: ClaimsOptions; bob: ClaimsOptions; mallory: ClaimsOptions }> {
  const remote = await testRemote(transport);
  const paths = await clones(remote, 'ada', 'bob', 'mallory');
  const allowed = join(remote.directory, 'allowed');
  let lines = '';
  for (const [index, path] of paths.entries()) {
    const name = ['ada', 'bob', 'mallory'][index] as string;
    const key = join(remote.directory, `${name}.key`);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    if (name !== 'mallory') lines += `${name} ${readFileSync(`${key}.pub`, 'utf8')}`;
    await git(path, 'config', 'user.signingKey', key);
    await git(path, 'config', 'gpg.ssh.allowedSignersFile', allowed);
    await git(path, 'config', 'holdfast.signing', mode);
  }
  writeFileSync(allowed, lines);
  const [ada, bob, mallory] = paths.map(optionsFor) as [ClaimsOptions, ClaimsOptions, ClaimsOptions];
  return { remote, ada, bob, mallory };
}

test('enforce: signed by its agent is believed, and git agrees', async () => {
  const { remote, ada, bob } = await signers('enforce', 'daemon');
  expect((await claim('x', ada)).outcome).toBe('claimed');
  expect((await list(bob)).claims).toMatchObject([{ agent: 'ada', signature: 'good' }]);
  expect((await claim('x', bob)).outcome).toBe('contended');
  await release('x', ada);
  expect((await claim('x', bob)).outcome).toBe('claimed');
  const allowed = join(remote.directory, 'allowed');
  await git(
    remote.path,
    '-c',
    'gpg.format=ssh',
    '-c',
    `gpg.ssh.allowedSignersFile=${allowed}`,
    'verify-commit',
    'refs/heads/holdfast/claims/x',
  );
});

test('INV-GIT-9: enforce refuses what is unsigned, and what another key signed in the name of an agent', async () => {
  const { ada, bob, mallory } = await signers('enforce', 'path');
  await claim('unsigned', { ...bob, signing: { mode: 'off' } });
  await claim('forged', { ...mallory, agent: 'bob' });
  for (const [id, problem] of [
    ['unsigned', 'it is not signed'],
    ['forged', 'its signature is not one of "bob"'],
  ] as const) {
    await expect(claim(id, ada)).rejects.toMatchObject({
      code: 'HOLDFAST_PROTOCOL',
      message: expect.stringContaining(problem) as string,
    });
    expect((await cli(ada.cwd as string, ['claims', 'check', id])).code).toBe(65);
  }
  expect((await list(ada)).broken.map(({ id }) => id)).toEqual(['forged', 'unsigned']);
});

test('audit: told, not refused', async () => {
  const { ada, bob, mallory } = await signers('audit', 'http');
  await claim('unsigned', { ...bob, signing: { mode: 'off' } });
  await claim('forged', { ...mallory, agent: 'bob' });
  await claim('good', bob);
  expect((await list(ada)).claims.map(({ id, signature }) => [id, signature])).toEqual([
    ['forged', 'bad'],
    ['good', 'good'],
    ['unsigned', 'none'],
  ]);
  expect((await cli(ada.cwd as string, ['claims'])).stdout).toMatch(/forged .*BAD SIGNATURE/);
});

test('enforce without a key or a list of signers is a misconfiguration', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  await git(ada, 'config', 'holdfast.signing', 'enforce');
  expect((await cli(ada, ['claim', 'x'])).code).toBe(78);
});
