/** stdout is the payload: a child's output, tables, JSON. Nothing else goes there. */
export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  print(toJson(value));
}

/** Everything that is said about the work. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Fencing tokens are bigints; in JSON they are decimal strings, because most readers round large numbers. */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(
    value,
    (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner),
    indent,
  );
}

/** `holdfast ls | head` closes our stdout: that is the reader's right, not an error. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(process.exitCode ?? 0);
    });
  }
}
