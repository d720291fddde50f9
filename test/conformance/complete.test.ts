import { readdirSync } from 'node:fs';

import { expect, test } from 'vitest';

const namesIn = (folder: string): string[] => readdirSync(new URL(folder, import.meta.url));
/** What several backends share lies among them, and is none. */
const SHARED = new Set(['engine', 'register']);
const backendFolders = (): string[] => namesIn('../../src/backends/').filter((name) => !SHARED.has(name));

test('no backend is without its conformance file', () => {
  const backends = backendFolders().toSorted();
  const tested = namesIn('.')
    .map((name) => /^(.+)\.test\.ts$/.exec(name)?.[1] ?? '')
    .filter((name) => backends.includes(name))
    .toSorted();
  expect(backends.length).toBeGreaterThanOrEqual(2);
  expect(tested).toEqual(backends);
});

test('every backend folder has the same four files', () => {
  for (const backend of backendFolders()) {
    expect(namesIn(`../../src/backends/${backend}/`), backend).toEqual(
      expect.arrayContaining(['PROTOCOL.md', 'backend.ts', 'config.ts', 'index.ts']),
    );
  }
});
