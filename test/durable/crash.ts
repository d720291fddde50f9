import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { JsonFile } from '../../src/durable/json-file.js';
import { parseTempName } from '../../src/files/temp-name.js';
import { start } from '../support/processes.js';

const REPLACER = new URL('fixtures/replacer.mjs', import.meta.url).pathname;
const READER = new URL('fixtures/reader.mjs', import.meta.url).pathname;

interface Version {
  readonly generation: number;
  readonly filler: string;
}

function wholeVersion(path: string): Version {
  const version = JSON.parse(readFileSync(path, 'utf8')) as Version;
  expect(new Set(version.filler)).toEqual(new Set([String(version.generation % 10)]));
  return version;
}

export function tempsIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => parseTempName(name) !== undefined);
}

/** Kills a writer at random times, `kills` times; looks at the file after each and lets the next writer go on. */
export async function killWritersAtRandom(directory: string, kills: number): Promise<{ temps: number }> {
  const path = join(directory, 'state.json');
  seed(directory);
  const going = join(directory, 'going');
  writeFileSync(going, '');
  const reader = start(process.execPath, [READER, path, going]);
  let acknowledged = 0;
  let temps = 0;
  for (let kill = 0; kill < kills; kill++) {
    const child = start(process.execPath, [REPLACER, path, '400000']);
    await child.line(/^\d+$/);
    // At most a few writes later, at any point of one.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 12));
    process.kill(child.pid, 'SIGKILL');
    const { stdout } = await child.exited;
    const printed = Number(stdout.split('\n').at(-2));
    expect(printed).toBeGreaterThan(acknowledged);
    acknowledged = printed;
    const { generation } = wholeVersion(path);
    expect(generation).toBeGreaterThanOrEqual(acknowledged);
    acknowledged = generation;
    temps += tempsIn(directory).length > 0 ? 1 : 0;
    expect(tempsIn(directory).length).toBeLessThanOrEqual(1);
  }
  await lastWrite(directory, path, acknowledged);
  unlinkSync(going);
  const { stdout: read } = await reader.exited;
  // Nothing torn, never back.
  expect(read).toMatch(/^reads \d{3,} versions \d+\n$/);
  console.log(`${kills} writers killed, ${temps} of them amid a write; a reader beside them: ${read.trim()}`);
  return { temps };
}

/** The next process writes, and whatever the dead left is gone. */
async function lastWrite(directory: string, path: string, acknowledged: number): Promise<void> {
  const child = start(process.execPath, [REPLACER, path, '10']);
  await child.line(new RegExp(`^${acknowledged + 1}$`));
  process.kill(child.pid, 'SIGSTOP');
  const value = await new JsonFile<Version>(path).read();
  expect(value.generation).toBeGreaterThan(acknowledged);
  process.kill(child.pid, 'SIGKILL');
  await child.exited;
  const { sweepOrphans } = await import('../../src/files/sweep.js');
  await sweepOrphans(directory);
  expect(tempsIn(directory)).toEqual([]);
}

function seed(directory: string): void {
  writeFileSync(join(directory, 'state.json'), '{"generation":0,"filler":""}');
}
