import { join } from 'node:path';
import { expect, test } from 'vitest';

import { list } from '../../src/claims/index.js';
import { startClaimer, type ClaimAnswer } from '../support/claimers.js';
import { cli } from '../support/cli.js';
import { hangMs } from '../support/time.js';
import { clones, git, optionsFor, testRemote } from '../support/git-remotes.js';

const IS_SOAK = process.env['HOLDFAST_SOAK'] === '1';
const [AGENTS, IDS, IN_ONE_CLONE] = IS_SOAK ? [64, 10, 8] : [12, 4, 3];

function ids(): string[] {
  return Array.from({ length: IDS }, (_, index) => `item-${index}`);
}

/** Of each id one agent has it, and for all others it is contended. */
function expectOneWinnerEach(answers: readonly (readonly ClaimAnswer[])[]): void {
  for (const index of ids().keys()) {
    const outcomes = answers.map((own) => own[index]?.outcome);
    expect(outcomes.filter((outcome) => outcome === 'claimed').length, JSON.stringify(answers)).toBe(1);
    expect(new Set(outcomes)).toEqual(new Set(['claimed', 'contended']));
  }
}

async function claimAll(paths: readonly string[]): Promise<ClaimAnswer[][]> {
  return Promise.all(
    paths.map(async (path, offset) => {
      // How long a crowd takes is the machine's affair: what is asked is who wins.
      const claimer = startClaimer(path, { CLAIMER_TIMEOUT_MS: String(10 * hangMs) });
      const own: ClaimAnswer[] = [];
      // Each begins elsewhere, so that they race for all of them.
      for (const index of ids().keys()) {
        const at = (index + offset) % IDS;
        own[at] = await claimer.claim(`item-${at}`);
      }
      return own;
    }),
  );
}

test(
  `${AGENTS} agents in as many clones race for ${IDS} ids over http`,
  { timeout: 20 * hangMs },
  async () => {
    const names = Array.from({ length: AGENTS }, (_, index) => `agent-${index}`);
    const paths = await clones(await testRemote('http'), ...names);
    expectOneWinnerEach(await claimAll(paths));
    expect((await list(optionsFor(paths[0] as string))).claims.length).toBe(IDS);
  },
);

test(`${IN_ONE_CLONE} agents in as many working trees of one clone`, { timeout: 20 * hangMs }, async () => {
  const remote = await testRemote('http');
  const [main = ''] = await clones(remote, 'main');
  await git(main, 'commit', '--quiet', '--allow-empty', '-m', 'x');
  const paths = Array.from({ length: IN_ONE_CLONE }, (_, index) => join(remote.directory, `tree-${index}`));
  for (const path of paths) await git(main, 'worktree', 'add', '--quiet', '--detach', path);
  expectOneWinnerEach(await claimAll(paths));
});

test(`${IN_ONE_CLONE} agents in one working tree`, { timeout: 20 * hangMs }, async () => {
  const [clone = ''] = await clones(await testRemote('http'), 'clone');
  const agents = Array.from({ length: IN_ONE_CLONE }, (_, index) => `agent-${index}`);
  for (const id of ids()) {
    const results = await Promise.all(
      agents.map((agent) => cli(clone, ['claim', id, '--agent', agent, '--timeout', `${10 * hangMs}ms`])),
    );
    const codes = results.map(({ code }) => code ?? -1).sort((a, b) => a - b);
    expect(codes).toEqual([0, ...Array<number>(IN_ONE_CLONE - 1).fill(75)]);
  }
});
