// Runs command lines one after another in one process: each line of stdin is a JSON list of words. Behind the output of
// each stands a line with its exit code, on both streams.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { main } from '../../dist/cli/main.js';

for await (const line of createInterface({ input: process.stdin })) {
  const code = await main(JSON.parse(line));
  for (const stream of [1, 2]) writeSync(stream, `\0${code}\n`);
}
process.exit();
