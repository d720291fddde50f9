// take.mjs KIND PATH OPERATIONS: microseconds of one uncontended take and release, the median of batches. A batch is short
// enough that most of them are not interrupted by whatever else the machine does.
import { median } from '../harness.mjs';
import { contestant, nowUs } from './kinds.mjs';

const [kind, path, operations] = process.argv.slice(2);
const { take, release, prepare, isSync } = await contestant(kind);
prepare(path);

function batchInSync(size) {
  const start = nowUs();
  for (let i = 0; i < size; i++) release(take(path));
  return (nowUs() - start) / size;
}

async function batchAwaiting(size) {
  const start = nowUs();
  for (let i = 0; i < size; i++) await release(await take(path));
  return (nowUs() - start) / size;
}

const count = Number(operations);
const size = Math.min(100, Math.max(1, count / 20));
const batch = isSync ? batchInSync : batchAwaiting;
// The first ones are slow by nature: modules, directories, a compiler that has seen nothing yet.
for (let done = 0; done < count; done += size) await batch(size);
const samples = [];
for (let done = 0; done < count; done += size) samples.push(await batch(size));
process.stdout.write(String(median(samples)));
process.exit(0);
