const isSoak = process.env['HOLDFAST_SOAK'] === '1';

/** The histories of a model: the same ones in every run of the suite, and new ones, far more, in `npm run test:soak`. */
export function modelRuns(numRuns: number): { readonly seed?: number; readonly numRuns: number } {
  return isSoak ? { numRuns: 20 * numRuns } : { seed: 1, numRuns };
}
