import type { NativeAddon } from '../platform/native-contract.js';
import { loadNative } from '../platform/native.js';

let answer: { readonly native: NativeAddon | undefined } | undefined;

/** The addon, or undefined where there is none: durable writes can do without, locks cannot. */
export function availableNative(): NativeAddon | undefined {
  if (answer === undefined) {
    try {
      answer = { native: loadNative() };
    } catch {
      answer = { native: undefined };
    }
  }
  return answer.native;
}
