import { firstWorld, moves, type Limits, type Rules, type World } from './lease-world.js';
import { storyIn, walkAtRandom, walkBreadthFirst, type SearchResult } from './search.js';

export type { Finding, SearchResult } from './search.js';

const worldOf = (limits: Limits, rules: Rules) => ({
  first: firstWorld(limits),
  moves: (world: World) => moves(world, limits, rules),
  keyOf: (world: World) => JSON.stringify(world),
});

/** Every world that can be reached, nearest first; the first violation found has the shortest story. */
export function searchBreadthFirst(limits: Limits, rules: Rules, maxStates: number): SearchResult {
  return walkBreadthFirst(worldOf(limits, rules), maxStates);
}

/** Deep walks that breadth-first search cannot reach, the same ones for the same seed. */
export function searchAtRandom(limits: Limits, rules: Rules, walks: number, seed: number): SearchResult {
  return walkAtRandom(worldOf(limits, rules), walks, seed);
}

/** One story told move by move; each entry is how the wanted move's label begins. */
export function follow(limits: Limits, rules: Rules, story: readonly string[]): World {
  return storyIn(worldOf(limits, rules), story);
}
