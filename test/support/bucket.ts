import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import {
  startBucketStore,
  type BucketStore,
  type BucketStoreOptions,
} from '../../src/testing/bucket-store.js';

export interface TestBucket extends BucketStore {
  /** The address of a lock. */
  at(name: string): string;
  /** The same lock, for another queue: as another program would reach it. */
  elsewhere(name: string): string;
  /** What a name's object says. */
  state(name: string): Record<string, unknown> | undefined;
  /** For child processes. */
  readonly env: Readonly<Record<string, string>>;
}

/** A store, credentials for it, and a place for what is remembered of it, until the test ends. */
export async function testBucket(options: BucketStoreOptions = {}): Promise<TestBucket> {
  const store = await startBucketStore(options);
  const state = mkdtempSync(join(tmpdir(), 'bucket-state-'));
  const env = {
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'planted-secret',
    XDG_STATE_HOME: state,
  };
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  Object.assign(process.env, env);
  onTestFinished(async () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await store.close();
    rmSync(state, { recursive: true });
  });
  const prefix = `s3://bucket/locks?endpoint=${store.endpoint}`;
  return {
    ...store,
    env,
    at: (name) => `${prefix}#${name}`,
    elsewhere: (name) => `${prefix}&region=eu-west-1#${name}`,
    state: (name) => {
      const text = store.text(`bucket/locks/${name}`);
      return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
    },
  };
}
