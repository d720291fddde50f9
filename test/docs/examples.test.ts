import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { transform } from 'sucrase';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { hangMs } from '../support/time.js';
import { root, runnableBlocks, shownBlocks, steppedPages, type RunnableBlock } from './blocks.js';
import { SETTINGS, type Setting } from './settings.js';
import { masked, Reader } from './steps.js';

interface Finished {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder where `holdfast` is installed, as a package and as a command. */
function readersFolder(): { directory: string; path: string } {
  const directory = testDirectory();
  const bin = join(directory, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(root, join(directory, 'node_modules/holdfast'));
  writeFileSync(join(bin, 'holdfast'), `#!/bin/sh\nexec node '${root}/dist/bin/holdfast.cjs' "$@"\n`);
  chmodSync(join(bin, 'holdfast'), 0o755);
  return { directory, path: bin };
}

function programOf({ language, code }: RunnableBlock): [file: string, args: string[], code: string] {
  switch (language) {
    case 'sh':
      return ['bash', ['-euo', 'pipefail', 'example.sh'], code];
    case 'js':
      return [process.execPath, ['example.mjs'], code];
    case 'ts':
      return [process.execPath, ['example.mjs'], transform(code, { transforms: ['typescript'] }).code];
    default:
      throw new Error(`Nobody knows how to run "${language}".`);
  }
}

async function run(block: RunnableBlock): Promise<Finished> {
  const { directory, path } = readersFolder();
  const setting = block.setting === undefined ? {} : await settingOf(block.setting, directory);
  const [file, args, example] = programOf(block);
  const code = (setting.replace ?? []).reduce((text, [from, to]) => text.replaceAll(from, to), example);
  writeFileSync(join(directory, args.at(-1) as string), (setting.prelude ?? '') + code);
  const env = { ...(setting.env ?? process.env), ...commandIn(path) };
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      { cwd: directory, env, encoding: 'utf8', timeout: hangMs },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

function commandIn(path: string): NodeJS.ProcessEnv {
  return { PATH: `${path}${delimiter}${process.env['PATH']}`, NO_COLOR: '1' };
}

function settingOf(name: string, directory: string): Setting | Promise<Setting> {
  const settle = SETTINGS[name];
  if (settle === undefined) throw new Error(`There is no setting "${name}" in test/docs/settings.ts.`);
  return settle(directory);
}

const blocks = runnableBlocks();

test.each(shownBlocks())(
  '$where is run, here (`run`, `step`) or by the test that it names (`tested=PATH`)',
  ({ info }) => {
    const tested = /tested=(\S+)/.exec(info)?.[1];

    expect(/\b(run|step)\b/.test(info) || (tested !== undefined && existsSync(join(root, tested)))).toBe(
      true,
    );
  },
);

test.each(blocks.map((block) => ({ ...block, name: `${block.page}:${block.line}` })))(
  '$name does what it says',
  async (block) => {
    const { code, stdout, stderr } = await run(block);

    expect(code, stderr).toBe(block.exitCode);
    if (block.output !== undefined) expect(stdout).toBe(block.output);
  },
);

test.each([...steppedPages()])(
  '%s does what it says, step by step',
  async (_, steps) => {
    const { directory, path } = readersFolder();
    const reader = new Reader(directory, { ...process.env, ...commandIn(path) });

    for (const block of steps) {
      const { code, output } = await reader.follow(block);
      const where = `${block.page}:${block.line}`;
      expect(code, `${where}\n${output}`).toBe(block.exitCode);
      if (block.output === undefined) continue;
      if (block.isOutputExact) expect(output, where).toBe(block.output);
      else expect(masked(output), where).toBe(masked(block.output));
    }
  },
  60_000,
);
