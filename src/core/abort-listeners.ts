const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `fn` when `signal` aborts, through one listener per signal however many calls wait on it: from the 11th on
 * Node 20 warns of a leak (MaxListenersExceededWarning), and taking one of many off again searches them all.
 *
 * @param signal not aborted yet.
 * @returns the way to stop listening.
 */
export function onAbortOf(signal: AbortSignal, fn: () => void): () => void {
  const known = listeners.get(signal);
  if (known !== undefined) {
    known.add(fn);
    return () => void known.delete(fn);
  }
  const added = new Set([fn]);
  listeners.set(signal, added);
  signal.addEventListener(
    'abort',
    () => {
      listeners.delete(signal);
      for (const each of added) each();
    },
    { once: true },
  );
  return () => void added.delete(fn);
}
