// argv: who, directory, bytes, count. Prints microseconds per replacement.
import { mkdirSync, stat } from 'node:fs';
import { join } from 'node:path';

const [, , who, parent, bytes, count] = process.argv;
const directory = join(parent, who.replaceAll(' ', '-'));
mkdirSync(directory, { recursive: true });
const path = join(directory, 'f');
const data = Buffer.alloc(Number(bytes), 'x');

async function replacer() {
  if (who === 'stat') return () => new Promise((resolve) => stat(directory, resolve));
  if (who === 'write-file-atomic') {
    const { default: writeFileAtomic } = await import('write-file-atomic');
    return () => writeFileAtomic(path, data);
  }
  if (who === 'atomically') {
    const { writeFile } = await import('atomically');
    return () => writeFile(path, data);
  }
  const { writeFileDurable } = await import('../../dist/durable/write.js');
  if (who === 'holdfast') return () => writeFileDurable(path, data);
  // The same in Node's own calls, for platforms without the addon.
  const { writeWith } = await import('../../dist/durable/write.js');
  const { plainTempWriter } = await import('../../dist/files/write-plain.js');
  const { systemClock } = await import('../../dist/platform/clock.js');
  const parts = { writer: plainTempWriter, clock: systemClock };
  return () => writeWith(parts, path, data, {});
}

const replace = await replacer();
for (let i = 0; i <= Number(count) / 10; i++) await replace();
const begin = process.hrtime.bigint();
for (let i = 0; i < Number(count); i++) await replace();
console.log(Number(process.hrtime.bigint() - begin) / 1e3 / Number(count));
