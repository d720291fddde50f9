// Experiments about growth: one row for each size, and one chart for all of them.
/** Rounds of one contestant for all sizes: an object with a number for each measure. */
export function bySize(sizes, roundOf) {
  const rounds = sizes.map((size) => [idOf(size), roundOf(size)]);
  return async () => {
    const found = {};
    for (const [id, round] of rounds) found[id] = await round();
    return found;
  };
}

const idOf = (size) => `at${size}`;

export function measuresOf(sizes, growth, measureOf) {
  return sizes.map((size) => ({
    id: idOf(size),
    subject: 'holdfast',
    growth: { ...growth, size },
    ...measureOf(size),
  }));
}

export const figures = (size) => size.toLocaleString('en').replaceAll(',', ' ');
