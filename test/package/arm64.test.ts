import { join } from 'node:path';
import { expect, test } from 'vitest';

import { tools } from './consumer.js';
import { emulatedConsumer, shell } from './emulated.js';

const node = `qemu-aarch64-static -L /usr/aarch64-linux-gnu '${join(tools, 'node20-arm64/bin/node')}'`;
const holdfast = `${node} node_modules/holdfast/dist/bin/holdfast.cjs`;

test('Linux on arm64, under qemu: the addon of the tarball locks', async () => {
  const consumer = await emulatedConsumer();

  expect(await shell(consumer, `${node} basic.mjs`)).toEqual({
    code: 0,
    stdout: 'linux arm64 true true 3\n',
    stderr: '',
  });
  expect(await shell(consumer, `${holdfast} run x.lock -- sh -c 'echo ran; exit 3'`)).toEqual({
    code: 3,
    stdout: 'ran\n',
    stderr: '',
  });
  // The kernel is one: flock(1) of this machine and the emulated program exclude each other.
  expect((await shell(consumer, `flock x.lock ${holdfast} run -n x.lock -- true`)).code).toBe(75);
});
