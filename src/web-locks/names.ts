import { createHash } from 'node:crypto';

// How the name of a Web Lock, any sequence of UTF-16 code units, becomes the name of a file or key, and back.

const PREFIX = 'web-lock.';
const SUFFIX = '.lock';
/** Longest encoded name; the temporary file beside a lock adds to it, and file systems end at 255 bytes. */
const LENGTH = 120;

/** `web-lock.build=0020x`: lower case letters, digits, `_` and `-` stand for themselves, so no file system folds two names. */
export function encodeName(name: string): string {
  const text = Array.from({ length: name.length }, (_, index) => encodeUnit(name, index)).join('');
  return PREFIX + (text.length <= LENGTH ? text : shortened(name, text));
}

function encodeUnit(name: string, index: number): string {
  const unit = name.charAt(index);
  return /[a-z0-9_-]/.test(unit) ? unit : `=${name.charCodeAt(index).toString(16).padStart(4, '0')}`;
}

/** Too long to be read back: its beginning, and a hash over all of its code units. */
function shortened(name: string, text: string): string {
  const hash = createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex').slice(0, 32);
  return `${text.slice(0, LENGTH - 40)}==${hash}`;
}

/** The name that was encoded; undefined for what {@link encodeName} has not made, and for names that were too long. */
export function decodeName(encoded: string): string | undefined {
  const [, text] = /^web-lock\.((?:[a-z0-9_-]|=[0-9a-f]{4})*)$/.exec(encoded) ?? [];
  return text?.replace(/=([0-9a-f]{4})/g, (_, unit: string) =>
    String.fromCharCode(Number.parseInt(unit, 16)),
  );
}

/** As the name of a file. */
export function encodeFileName(name: string): string {
  return encodeName(name) + SUFFIX;
}

export function decodeFileName(file: string): string | undefined {
  return file.endsWith(SUFFIX) ? decodeName(file.slice(0, -SUFFIX.length)) : undefined;
}
