import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { casesFor, conformanceCases } from '../../dist/testing/index.js';
import { subject } from '../../examples/third-party-backend/subject.mjs';
import type { Subject } from '../../dist/testing/index.js';

const suite = fileURLToPath(
  new URL('../../examples/third-party-backend/conformance.test.mjs', import.meta.url),
);

describe('a backend outside src', () => {
  test('passes every case that binds it, in a runner of its own', () => {
    const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', suite], {
      encoding: 'utf8',
    });
    expect(stdout).not.toMatch(/^not ok/m);
    for (const { id } of casesFor(subject as Subject)) expect(stdout).toMatch(new RegExp(`ok \\d+ - ${id}:`));
    expect(status).toBe(0);
  });

  test('is bound by what it claims: exclusion, waiting and death, but neither sharing nor tokens', () => {
    const ids = casesFor(subject as Subject).map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining(['EXCL-1', 'EXCL-3', 'REL-1', 'WAIT-5', 'FIFO-1', 'DIE-1', 'FREEZE-1']),
    );
    expect(ids).not.toEqual(expect.arrayContaining(['SHARE-1']));
    expect(ids.length).toBeLessThan(conformanceCases.length);
  });
});
