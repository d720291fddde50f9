import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject } from 'vitest';

import { Consumer, tools, type Finished } from './consumer.js';

/** A folder with the tarball and {@link file basic.mjs} in it. */
export async function emulatedConsumer(onEnd?: (remove: () => void) => void): Promise<Consumer> {
  const consumer = new Consumer('node22', onEnd);
  const installed = await consumer.node(
    ...[join(tools, 'npm12/bin/npm-cli.js'), 'install', '--ignore-scripts', inject('tarball')],
  );
  expect(installed.code).toBe(0);
  const basic = fileURLToPath(new URL('basic.mjs', import.meta.url));
  copyFileSync(basic, join(consumer.directory, 'basic.mjs'));
  return consumer;
}

/** Runs a shell line there. Output goes through files, since wine's node does not get on with pipes. */
export async function shell(consumer: Consumer, line: string): Promise<Finished> {
  const { code } = await consumer.run('sh', '-c', `${line} >out.txt 2>err.txt </dev/null`);
  const [stdout, stderr] = ['out.txt', 'err.txt'].map((name) =>
    readFileSync(join(consumer.directory, name), 'utf8').replaceAll('\r\n', '\n'),
  ) as [string, string];
  return { code, stdout, stderr };
}
