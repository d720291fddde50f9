/**
 * URL of a compiled file of this package, for worker threads: `distUrl('renewal/worker.js')`. src/platform, dist/platform and
 * dist/bin (the bundled `run`) all lie two levels below the package's root.
 */
export function distUrl(path: string): URL {
  return new URL(`../../dist/${path}`, import.meta.url);
}
