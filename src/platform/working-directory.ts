/** The directory that relative paths start from; undefined when it was removed meanwhile, and absolute paths still work. */
export function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
