/** One process of a cycle: it holds what the link before it waits for. */
export interface DeadlockLink {
  /** Process id of a member of the cycle. */
  readonly pid: number;
  /** The name of the program, without arguments. */
  readonly program: string | undefined;
  /** Paths, as far as they can be found. */
  readonly holds: string;
  /** Path of the lock that this process waits for. */
  readonly waitsFor: string;
}

/** `pid 1 (a) waits for "x", held by pid 2 (b), which waits for "y", held by pid 1`. Never throws. */
export function describeDeadlock(cycle: readonly DeadlockLink[]): string {
  const [first, ...rest] = cycle;
  if (first === undefined) return '';
  const name = ({ pid, program }: DeadlockLink): string =>
    `pid ${pid}${program === undefined ? '' : ` (${program})`}`;
  const steps = rest.map((link) => `held by ${name(link)}, which waits for "${link.waitsFor}"`);
  return `${name(first)} waits for "${first.waitsFor}", ${[...steps, `held by pid ${first.pid}`].join(', ')}`;
}
