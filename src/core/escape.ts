/**
 * What moves a cursor, forges a line or reorders text: C0, DEL, C1, the line and paragraph separators, and the
 * bidirectional controls of Unicode (https://trojansource.codes).
 */
const UNSAFE = /[\0-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text of others as one line that is safe on a terminal and in a log: `\n`, `\u001b` and so on stand for what was there.
 * The one escaper: of every {@link LockError}'s message, and of everything that the command prints.
 */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => NAMED[character] ?? unicodeEscape(character));
}

/** The same inside of a JSON text, where such characters occur in strings only. Line ends between values stay. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => (character === '\n' ? character : unicodeEscape(character)));
}

/** Text of others as a name, or as a line of a report: `by` stands for each such character. */
export function replaceUnsafe(text: string, by: string): string {
  return text.replace(UNSAFE, by);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
