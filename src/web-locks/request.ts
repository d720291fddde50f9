import { SIGNAL } from '../core/check-options.js';

/** `exclusive`: one holder of a name. `shared`: any number of holders, none of them exclusive. */
export type LockMode = 'exclusive' | 'shared';

/** Options of `LockManager.request`, as the Web Locks API has them. */
export interface LockOptions {
  /** Default `exclusive`. */
  readonly mode?: LockMode;
  /** Calls the callback with `null` at once when the lock cannot be granted now. Default `false`. */
  readonly ifAvailable?: boolean;
  /** Takes the lock from the holders of this manager, whose requests reject with an `AbortError`. Default `false`. */
  readonly steal?: boolean;
  /** Ends a request that waits. Default: none. */
  readonly signal?: AbortSignal;
}

/** A lock that is held, as the callback of a request gets it. */
export interface Lock {
  /** As it was requested. */
  readonly name: string;
  /** As it was requested. */
  readonly mode: LockMode;
}

/** Runs while the lock is held. `null`: the lock was not available. */
export type LockGrantedCallback<T> = (lock: Lock | null) => T | PromiseLike<T>;

/** The arguments of a request, after the checks of the specification. */
export interface CheckedRequest<T> {
  readonly name: string;
  readonly callback: LockGrantedCallback<T>;
  readonly mode: LockMode;
  readonly ifAvailable: boolean;
  readonly steal: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * The checks in the order of the specification: first the types, then what excludes each other.
 *
 * @throws TypeError; DOMException NotSupportedError; the reason of a signal that is aborted.
 */
export function checkRequest<T>(args: readonly unknown[]): CheckedRequest<T> {
  if (args.length < 2) throw new TypeError('A request needs a name and a callback.');
  // As bindings of the web convert it: a symbol throws a TypeError.
  const name = `${args[0] as string}`;
  const callback = args.length === 2 ? args[1] : args[2];
  const options = optionsIn(args.length === 2 ? undefined : args[1]);
  if (typeof callback !== 'function') throw new TypeError('The callback of a request must be a function.');
  const { signal } = options;
  const request = {
    name,
    callback: callback as LockGrantedCallback<T>,
    mode: modeIn(options['mode']),
    ifAvailable: Boolean(options['ifAvailable']),
    steal: Boolean(options['steal']),
    signal: signalIn(signal),
  };
  assertPossible(request);
  request.signal?.throwIfAborted();
  return request;
}

function optionsIn(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' && typeof value !== 'function')
    throw new TypeError('The options of a request must be an object.');
  return value as Readonly<Record<string, unknown>>;
}

function modeIn(value: unknown): LockMode {
  if (value === undefined) return 'exclusive';
  const mode = `${value as string}`;
  if (mode === 'exclusive' || mode === 'shared') return mode;
  throw new TypeError(`The mode of a request must be 'exclusive' or 'shared', not '${mode}'.`);
}

function signalIn(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && SIGNAL.accepts(value)) return value as AbortSignal;
  throw new TypeError('The signal of a request must be an AbortSignal.');
}

function assertPossible({
  name,
  mode,
  ifAvailable,
  steal,
  signal,
}: Omit<CheckedRequest<unknown>, 'callback'>): void {
  const problem = name.startsWith('-')
    ? 'A name must not begin with "-".'
    : steal && ifAvailable
      ? "'steal' and 'ifAvailable' exclude each other."
      : steal && mode !== 'exclusive'
        ? "'steal' needs the mode 'exclusive'."
        : signal !== undefined && (steal || ifAvailable)
          ? "'signal' excludes 'steal' and 'ifAvailable'."
          : undefined;
  if (problem !== undefined) throw notSupported(problem);
}

/** What the web throws for what cannot be done here. */
export function notSupported(message: string): DOMException {
  return new DOMException(message, 'NotSupportedError');
}
