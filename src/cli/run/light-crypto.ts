import type * as crypto from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

type Crypto = typeof crypto;

/**
 * Stands in for `node:crypto` inside the bundle. Loading that takes 2.3 ms of a budget of 12, and `run` wants
 * nothing of it but 20 random bytes for its holder id; the rest is loaded when it is called.
 */
export const randomBytes = ((size: number) =>
  fromKernel(size) ?? full().randomBytes(size)) as Crypto['randomBytes'];

export const createHash: Crypto['createHash'] = (...args) => full().createHash(...args);

export const randomUUID: Crypto['randomUUID'] = (...args) => full().randomUUID(...args);

function full(): Crypto {
  return process.getBuiltinModule('node:crypto');
}

/** random(4): reads of up to 256 bytes are never short and never interrupted. */
function fromKernel(size: number): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync('/dev/urandom', 'r');
    const bytes = Buffer.alloc(size);
    return size <= 256 && readSync(file, bytes, 0, size, null) === size ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
