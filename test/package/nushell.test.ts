import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

import { emitExports } from '../../src/provision/emit.js';
import { tools } from './consumer.js';

const directory = mkdtempSync(join(tmpdir(), 'holdfast-nu-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Each would run something, end the quoting or vanish where it is not quoted whole. */
const NASTY = [
  'two  spaces ',
  '$HOME $(touch ran) `touch ran`',
  `'; touch ran; ' "; touch ran; "`,
  'a;b & touch ran | save ran',
  'line one\nline two\n',
  '\\ \\n \\$ \\',
  "''",
  `'# "#'## r#'x'#`,
  '* ? [a] ~ !! # %PATH%',
  '\r\ttab',
  'grün 日本',
];

test.each(NASTY)('nushell: source sets exactly %j, runs nothing, and may be repeated', (value) => {
  const exports = [
    { variable: 'A', values: [value], prepend: false },
    { variable: 'PATH', values: ['/new'], prepend: true },
    { variable: 'LD_LIBRARY_PATH', values: ['/lib'], prepend: true },
  ];
  writeFileSync(join(directory, 'e.nu'), emitExports(exports, 'nu', { separator: ':' }));
  const script = 'source e.nu; source e.nu; [$env.A ...$env.PATH $env.LD_LIBRARY_PATH] | to json -r';
  const output = execFileSync(join(tools, '.bin/nu'), ['-n', '-c', script], {
    cwd: directory,
    env: { PATH: '/usr/bin:/bin', HOME: directory, LD_LIBRARY_PATH: '/old' },
    encoding: 'utf8',
  });
  expect(JSON.parse(output)).toEqual([value, '/new', '/usr/bin', '/bin', '/lib:/old']);
  expect(existsSync(join(directory, 'ran'))).toBe(false);
});
