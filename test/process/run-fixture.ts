/** What `holdfast run` does with a child, without a lock: `node run-fixture.cjs COMMAND ARGS...` */
import { openSync } from 'node:fs';

import { exitCodeOf } from '../../src/process/children.js';
import { inheritedDescriptors } from '../../src/process/descriptors.js';
import { startChild } from '../../src/process/run.js';

const inherited = inheritedDescriptors();
const argv = process.argv.slice(2);
const lockPath = process.env['TEST_LOCK_PATH'];
const child = startChild({
  argv,
  inherited,
  ...(lockPath === undefined ? {} : { lockDescriptor: openSync(lockPath, 'r') }),
});
void child.ended.then((end) => {
  if (end.kind === 'not-started') process.stdout.write(`${end.reason}\n`);
  process.exitCode = exitCodeOf(end);
});
