/** stdout is the payload: a child's output, tables, JSON. Nothing else goes there. */
export function print(text: string): void {
  tolerateClosedPipe(process.stdout);
  process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

/** The bytes as they are. */
export function printBytes(bytes: Uint8Array): void {
  tolerateClosedPipe(process.stdout);
  process.stdout.write(bytes);
}

export function printJson(value: unknown): void {
  print(toJson(value));
}

/** Everything that is said about the work: one line on stderr. */
export function note(text: string): void {
  noteRaw(`${text}\n`);
}

/** For a status line that is rewritten in place. */
export function noteRaw(text: string): void {
  tolerateClosedPipe(process.stderr);
  process.stderr.write(text);
}

/** Fencing tokens are bigints; in JSON they are decimal strings, because most readers round large numbers. */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(
    value,
    (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner),
    indent,
  );
}

const tolerant = new WeakSet<NodeJS.WriteStream>();

/**
 * `holdfast ls | head` closes our stdout: that is the reader's right, not an error, and what follows is written
 * for nobody. Attached at the first write, because merely touching these streams costs the start of `run` a millisecond.
 */
function tolerateClosedPipe(stream: NodeJS.WriteStream): void {
  if (tolerant.has(stream)) return;
  tolerant.add(stream);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
