import { readdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { script } from '../support/holdfast.js';

/** `caf` and 0xe9, which no UTF-8 ends with. */
const NAME = `$'caf\\xe9'`;

test.each(['x', 'lease:x'])('under %s arguments and environment arrive byte by byte', async (lock) => {
  const inner = `sh -c 'printf %s "$1$V" | od -An -tx1' sh ${NAME}`;
  const { code, stdout } = await script(testDirectory(), `V=$'\\xff' $H run ${lock} -- ${inner}`);
  expect([code, stdout.trim()]).toEqual([0, '63 61 66 e9 ff']);
});

test('a command that is not UTF-8 and a -c STRING likewise', async () => {
  const text = `printf '#!/bin/sh\\necho "ran $0"' > ${NAME}; chmod +x ${NAME}
    $H run x ./${NAME} | od -An -tx1 -w1 | tail -n 2 | head -n 1
    $H run x -c $'printf %s \\xe9 | od -An -tx1'`;
  const { stdout } = await script(testDirectory(), text);
  expect(stdout).toBe(' e9\n e9\n');
});

test('a LOCK that is not UTF-8 is the very file that flock(1) locks, and is released', async () => {
  const directory = testDirectory();
  const text = `
    $H run ${NAME} -- flock -n ${NAME} true; echo $?
    flock ${NAME} $H run -q -n ${NAME} true; echo $?
    $H run ${NAME} -c 'sleep 5 >&- 2>&- &'; flock -n ${NAME} true; echo $?`;
  const { stdout } = await script(directory, text);
  expect(stdout).toBe('1\n75\n0\n');
  expect(readdirSync(Buffer.from(directory), 'buffer').map((name) => name.toString('latin1'))).toEqual([
    'caf\xe9',
  ]);
});

test('an address that is not UTF-8 and names no path is refused', async () => {
  const { code, stderr } = await script(testDirectory(), `$H run redis://127.0.0.1:1#${NAME} true`);
  expect([code, stderr]).toMatchObject([
    64,
    expect.stringContaining('is not UTF-8; only a path may be that'),
  ]);
});

test('a file whose name holds U+FFFD itself is just a file', async () => {
  const directory = testDirectory();
  writeFileSync(`${directory}/\ufffd`, 'content');
  expect(await script(directory, `$H run \ufffd.lock cat \ufffd`)).toMatchObject({
    code: 0,
    stdout: 'content',
  });
});
