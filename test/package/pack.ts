import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The tarball that a release would publish. */
    readonly tarball: string;
  }
}

/** Makes the tarball once for all tests. */
export default function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-tarball-'));
  const printed = execFileSync(process.execPath, ['scripts/release.mjs', '--partial', '--out', directory], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  project.provide('tarball', printed.trim());
  return () => rmSync(directory, { recursive: true, force: true });
}
