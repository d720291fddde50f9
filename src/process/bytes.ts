import { readFileSync } from 'node:fs';

/** What Node puts in the place of bytes that are no UTF-8. A text may also have it by right; then the bytes say the same. */
const REPLACED = '\ufffd';

/**
 * The last arguments of this process as they were given, where `words` (the same as Node reads them) are not the whole
 * truth. Call it before the title is changed, which writes over them. Undefined where the words say all, and off Linux.
 */
export function rawArguments(words: readonly string[]): readonly Buffer[] | undefined {
  if (process.platform !== 'linux' || !words.some((word) => word.includes(REPLACED))) return undefined;
  const raw = split(readFileSync('/proc/self/cmdline')).slice(-words.length);
  const isSame = raw.length === words.length && raw.every((bytes, index) => String(bytes) === words[index]);
  return isSame ? raw : undefined;
}

/** The bytes of `texts`, which stand at the end of the words that `raw` belongs to. */
export function bytesOf(texts: readonly string[], raw: readonly Buffer[] | undefined): Buffer[] {
  return texts.map((text, index) => {
    const bytes = raw?.[raw.length - texts.length + index];
    return bytes !== undefined && String(bytes) === text ? bytes : Buffer.from(text);
  });
}

/** Variables to be set, and removed where they are undefined. */
export type EnvironmentChanges = Readonly<Record<string, string | undefined>>;

export function changedEnvironment(changes: EnvironmentChanges): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries({ ...process.env, ...changes }).filter(([, value]) => value !== undefined),
  );
}

/** Node reads them and takes them out of its environment. */
const OF_NODE: ReadonlySet<string> = new Set(['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE']);

/**
 * `NAME=value` of this process's own environment with the changes, as bytes: those it was started with, where they can be
 * known. Node's are texts, one for each name, and it aborts where one has no name.
 */
export function environmentBytes(changes: EnvironmentChanges): Buffer[] {
  const given = givenEnvironment();
  if (given === undefined) {
    const kept = Object.entries(changedEnvironment(changes));
    return kept.map(([name, value]) => Buffer.from(`${name}=${value}`));
  }
  const own = given.filter((bytes) => {
    const [name = ''] = bytes.toString('latin1').split('=', 1);
    return !Object.hasOwn(changes, name) && !OF_NODE.has(name);
  });
  const set = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [Buffer.from(`${name}=${value}`)],
  );
  return [...own, ...set];
}

function givenEnvironment(): Buffer[] | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return split(readFileSync('/proc/self/environ'));
  } catch {
    return undefined;
  }
}

/** Each text ended by a NUL. */
export function joinBytes(texts: readonly Buffer[]): Buffer {
  return Buffer.concat(texts.flatMap((text) => [text, Buffer.alloc(1)]));
}

function split(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    parts.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    start = end < 0 ? bytes.length : end + 1;
  }
  return parts;
}
