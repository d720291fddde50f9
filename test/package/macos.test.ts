import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { emulatedConsumer } from './emulated.js';

/** mach-o/loader.h */
const MH_MAGIC_64 = 0xfeedfacf;
const MH_DYLIB = 6;
const LC_CODE_SIGNATURE = 0x1d;
const CPU = { 'darwin-arm64': 0x0100000c, 'darwin-x64': 0x01000007 } as const;

function loadCommands(file: Buffer): number[] {
  const commands: number[] = [];
  for (let n = 0, at = 32; n < file.readUInt32LE(16); n++, at += file.readUInt32LE(at + 4))
    commands.push(file.readUInt32LE(at));
  return commands;
}

/** Nothing here can run it: that it compiles, is for the right machine, and is signed where the system asks for that. */
test('macOS: the tarball has an addon for each kind of Mac', async () => {
  const { directory } = await emulatedConsumer();

  for (const [target, cpu] of Object.entries(CPU)) {
    const file = readFileSync(join(directory, 'node_modules/holdfast/prebuilds', target, 'holdfast.node'));
    expect([file.readUInt32LE(0), file.readUInt32LE(4), file.readUInt32LE(12)]).toEqual([
      MH_MAGIC_64,
      cpu,
      MH_DYLIB,
    ]);
    expect(
      file.includes('_napi_register_module_v1') || file.includes('_node_api_module_get_api_version_v1'),
    ).toBe(true);
    if (target === 'darwin-arm64') expect(loadCommands(file)).toContain(LC_CODE_SIGNATURE);
  }
});
