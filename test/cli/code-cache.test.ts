import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { expect, it } from 'vitest';

const bin = (name: string): string => fileURLToPath(new URL(`../../dist/bin/${name}`, import.meta.url));

// A cache that does not fit is refused in silence, and every run starts some milliseconds later.
it('the code cache of run fits the node that built it, and the script that the launcher makes', () => {
  const launcher = readFileSync(bin('holdfast.cjs'), 'utf8');
  const [, head = ''] = /const HEAD = '(.*)';/.exec(launcher) ?? [];
  expect(head).toContain('importFile');
  const filename = bin('run.cjs');
  const script = new vm.Script(`${head}${readFileSync(filename, 'utf8')}\n})`, {
    filename,
    cachedData: readFileSync(bin('run.cache')),
  });
  expect(script.cachedDataRejected).toBe(false);
});

it('nothing in the bundle imports by itself, which a script may not', () => {
  expect(readFileSync(bin('run.cjs'), 'utf8')).not.toMatch(/\bimport\(/);
});

it('the launcher can be executed as it is', () => {
  expect(statSync(bin('holdfast.cjs')).mode & 0o111).toBe(0o111);
});
