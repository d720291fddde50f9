/** One process of a cycle: it holds what the link before it waits for. */
export interface DeadlockLink {
  readonly pid: number;
  readonly command: string | undefined;
  /** Paths, as far as they can be found. */
  readonly holds: string;
  readonly waitsFor: string;
}

/** `pid 1 (a) waits for "x", held by pid 2 (b), which waits for "y", held by pid 1`. */
export function describeDeadlock(cycle: readonly DeadlockLink[]): string {
  const [first, ...rest] = cycle;
  if (first === undefined) return '';
  const name = ({ pid, command }: DeadlockLink): string =>
    `pid ${pid}${command === undefined ? '' : ` (${command})`}`;
  const steps = rest.map((link) => `held by ${name(link)}, which waits for "${link.waitsFor}"`);
  return `${name(first)} waits for "${first.waitsFor}", ${[...steps, `held by pid ${first.pid}`].join(', ')}`;
}

export function isSameCycle(a: readonly DeadlockLink[], b: readonly DeadlockLink[]): boolean {
  return (
    a.length === b.length && a.every((link, i) => link.pid === b[i]?.pid && link.waitsFor === b[i]?.waitsFor)
  );
}
