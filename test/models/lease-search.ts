import { firstWorld, moves, type Limits, type Rules, type World } from './lease-world.js';

export interface Finding {
  readonly violation: string;
  readonly path: readonly string[];
}

export interface SearchResult {
  readonly states: number;
  readonly isComplete: boolean;
  readonly finding: Finding | undefined;
}

interface Trace {
  readonly label: string;
  readonly before: Trace | undefined;
}

/** Every world that can be reached, nearest first; the first violation found has the shortest story. */
export function searchBreadthFirst(limits: Limits, rules: Rules, maxStates: number): SearchResult {
  const start = firstWorld(limits);
  const seen = new Set<string>([JSON.stringify(start)]);
  let frontier: { world: World; trace: Trace | undefined }[] = [{ world: start, trace: undefined }];
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { world, trace } of frontier) {
      for (const move of moves(world, limits, rules)) {
        const step = { label: move.label, before: trace };
        if (move.world.violation !== undefined) {
          return { states: seen.size, isComplete: false, finding: findingOf(move.world.violation, step) };
        }
        const key = JSON.stringify(move.world);
        if (seen.has(key)) continue;
        seen.add(key);
        if (seen.size >= maxStates) return { states: seen.size, isComplete: false, finding: undefined };
        next.push({ world: move.world, trace: step });
      }
    }
    frontier = next;
  }
  return { states: seen.size, isComplete: true, finding: undefined };
}

/** Deep walks that breadth-first search cannot reach, the same ones for the same seed. */
export function searchAtRandom(limits: Limits, rules: Rules, walks: number, seed: number): SearchResult {
  const random = xorshift(seed);
  let states = 0;
  for (let walk = 0; walk < walks; walk++) {
    let world = firstWorld(limits);
    let trace: Trace | undefined;
    for (;;) {
      const options = moves(world, limits, rules);
      const move = options[Math.floor(random() * options.length)];
      if (move === undefined) break;
      states++;
      world = move.world;
      trace = { label: move.label, before: trace };
      if (world.violation !== undefined) {
        return { states, isComplete: false, finding: findingOf(world.violation, trace) };
      }
    }
  }
  return { states, isComplete: false, finding: undefined };
}

function findingOf(violation: string, last: Trace): Finding {
  const path: string[] = [];
  for (let trace: Trace | undefined = last; trace !== undefined; trace = trace.before)
    path.unshift(trace.label);
  return { violation, path };
}

function xorshift(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** One story told move by move; each entry is how the wanted move's label begins. */
export function follow(limits: Limits, rules: Rules, story: readonly string[]): World {
  let world = firstWorld(limits);
  for (const [index, wanted] of story.entries()) {
    const options = moves(world, limits, rules);
    const move = options.find(({ label }) => label.startsWith(wanted));
    if (move === undefined) {
      throw new Error(
        `step ${index} "${wanted}" is not among ${options.map(({ label }) => label).join(', ')}`,
      );
    }
    world = move.world;
  }
  return world;
}
