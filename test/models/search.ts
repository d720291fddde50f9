export interface Finding {
  readonly violation: string;
  readonly path: readonly string[];
}

export interface SearchResult {
  readonly states: number;
  readonly isComplete: boolean;
  readonly finding: Finding | undefined;
}

/** What a search needs of a model: where it begins, what can happen next, and when two worlds are one. */
export interface Model<World> {
  readonly first: World;
  moves(world: World): readonly { readonly label: string; readonly world: World }[];
  keyOf(world: World): string;
}

interface Judged {
  readonly violation?: string;
}

interface Trace {
  readonly label: string;
  readonly before: Trace | undefined;
}

/** Every world that can be reached, nearest first; the first violation found has the shortest story. */
export function walkBreadthFirst<World extends Judged>(model: Model<World>, maxStates: number): SearchResult {
  const seen = new Set<string>([model.keyOf(model.first)]);
  let frontier: { world: World; trace: Trace | undefined }[] = [{ world: model.first, trace: undefined }];
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { world, trace } of frontier) {
      for (const move of model.moves(world)) {
        const step = { label: move.label, before: trace };
        if (move.world.violation !== undefined) {
          return { states: seen.size, isComplete: false, finding: findingOf(move.world.violation, step) };
        }
        const key = model.keyOf(move.world);
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
export function walkAtRandom<World extends Judged>(
  model: Model<World>,
  walks: number,
  seed: number,
): SearchResult {
  const random = xorshift(seed);
  let states = 0;
  for (let walk = 0; walk < walks; walk++) {
    let world = model.first;
    let trace: Trace | undefined;
    for (;;) {
      const options = model.moves(world);
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

/** One story told move by move; each entry is how the wanted move's label begins. */
export function storyIn<World extends Judged>(model: Model<World>, story: readonly string[]): World {
  let { first: world } = model;
  for (const [index, wanted] of story.entries()) {
    const options = model.moves(world);
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
