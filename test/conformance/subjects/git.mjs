import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createGitBackend, GIT_CAPABILITIES } from '../../../dist/backends/git/index.js';
import { gitHost } from '../../../dist/locks/git-host.js';
import { fileNamespace } from '../../../dist/locks/resolve.js';
import { clientOf } from '../../../dist/testing/index.js';

// A bare remote and a clone, made by the test and shared with its contenders, which are in the clone already.
const FOLDER = 'HOLDFAST_CONFORMANCE_GIT';
if (process.env[FOLDER] === undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-git-'));
  process.env[FOLDER] = folder;
  process.on('exit', () => {
    process.chdir(tmpdir());
    rmSync(folder, { recursive: true, force: true });
  });
  const git = (...args) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' });
  git('init', '--bare', 'remote.git');
  git('init', 'clone');
  git('-C', 'clone', 'remote', 'add', 'origin', join(folder, 'remote.git'));
  git('-C', 'clone', 'config', 'user.name', 'conformance');
  git('-C', 'clone', 'config', 'user.email', 'conformance@example.test');
  process.chdir(join(folder, 'clone'));
}

let count = 0;
const open = () => createGitBackend(gitHost(fileNamespace()));

export const subject = {
  name: 'git',
  capabilities: GIT_CAPABILITIES,
  module: new URL(import.meta.url),
  // One hold is a fetch and a push, and who waits asks every 2 s.
  slowness: 12,
  takeoverMs: 20_000,
  createClient: () => Promise.resolve(clientOf(open())),
  newResource: () => `origin#task-${++count}`,
  // The name of a remote, its path, and its URL.
  aliasesOf: (resource) => {
    const remote = join(process.env[FOLDER], 'remote.git');
    return Promise.resolve([remote, `file://${remote}`].map((name) => resource.replace('origin', name)));
  },
  induceLoss: async (resource, holderId) => {
    await open().forceRelease(resource, holderId);
  },
};
