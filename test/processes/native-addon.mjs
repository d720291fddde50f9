// The addon without the package around it.
import { fileURLToPath } from 'node:url';

const file = `../../prebuilds/${process.platform}-${process.arch}/holdfast.node`;
const target = { exports: {} };
process.dlopen(target, fileURLToPath(new URL(file, import.meta.url)));

export const addon = target.exports;
export const SHARED = 1;
export const CREATE = 2;
export const GATE = 4;

/** @returns {{ id: number, result: Promise<number> }} */
export function wait(path, flags) {
  let settle;
  const result = new Promise((resolve) => (settle = resolve));
  return { id: addon.waitLock(path, flags, 0o600, undefined, settle), result };
}
