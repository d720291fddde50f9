import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { transform } from 'sucrase';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { hangMs } from '../support/time.js';
import { root, runnableBlocks, type RunnableBlock } from './blocks.js';

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

function run(block: RunnableBlock): Promise<Finished> {
  const { directory, path } = readersFolder();
  const [file, args, code] = programOf(block);
  writeFileSync(join(directory, args.at(-1) as string), code);
  const env = { ...process.env, PATH: `${path}${delimiter}${process.env['PATH']}`, NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      { cwd: directory, env, encoding: 'utf8', timeout: hangMs },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

const blocks = runnableBlocks();

test('there are examples', () => {
  expect(blocks.length).toBeGreaterThan(5);
});

test.each(blocks.map((block) => ({ ...block, name: `${block.page}:${block.line}` })))(
  '$name does what it says',
  async (block) => {
    const { code, stdout, stderr } = await run(block);

    expect({ code, stderr }).toMatchObject({ code: block.exitCode });
    if (block.output !== undefined) expect(stdout).toBe(block.output);
  },
);
