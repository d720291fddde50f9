/** Where claims live at the remote: one branch each. */
export const CLAIM_REF_PREFIX = 'refs/heads/holdfast/claims/';

export const LONGEST_ID = 200;
/** A file system takes names of 255 bytes, and git puts `.lock` behind them. */
const LONGEST_NAME = 240;
const RESERVED_ON_WINDOWS = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;

/**
 * Why `id` cannot name a claim; undefined when it can. Ids are what people have: `issue-42`, `#42`, `feature/x`,
 * `src/parser.ts`, and `src/parser/` for a path with everything in it. One thing has one spelling: no `.` or `..` in paths,
 * no doubled or leading slashes. Never throws.
 */
export function claimIdFault(id: string): string | undefined {
  if (id === '') return 'it is empty';
  if (id.length > LONGEST_ID) return `it has ${id.length} characters, and ${LONGEST_ID} are allowed`;
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u.test(id)) return 'it has characters that cannot be shown';
  if (id !== id.trim()) return 'it begins or ends in a space';
  if (id.startsWith('-')) return 'it begins with "-", as options do';
  if (/^\/|\/\//.test(id)) return 'it begins with "/", or has two of them in a row';
  if (id.split('/').some((part) => part === '.' || part === '..'))
    return 'it has "." or ".." as a part of a path';
  if (nameOf(id).length > LONGEST_NAME) return 'it is too long for the name of a branch';
  return undefined;
}

/** Whether the id is a path with everything in it: it ends in a slash. Such claims contend where their paths overlap. */
export function isPathClaim(id: string): boolean {
  return id.endsWith('/');
}

/** @throws TypeError when `id` cannot name a claim. */
export function assertClaimId(id: string): void {
  const fault = typeof id === 'string' ? claimIdFault(id) : 'it is no text';
  if (fault !== undefined)
    throw new TypeError(`"${String(id).slice(0, 120)}" cannot name a claim: ${fault}.`);
}

/** The branch of a claim. Ids that differ only in case are one claim; its record keeps the spelling. */
export function refOfClaim(id: string): string {
  return CLAIM_REF_PREFIX + nameOf(id);
}

/** The folded id that a branch stands for; undefined when the branch is not one that {@link refOfClaim} makes. */
export function claimOfRef(ref: string): string | undefined {
  if (!ref.startsWith(CLAIM_REF_PREFIX)) return undefined;
  const name = ref.slice(CLAIM_REF_PREFIX.length);
  if (isPlainName(name)) return name;
  const bytes: number[] = [];
  for (const [, hex, letter] of name.matchAll(/=([0-9a-f]{2})|([^])/g)) {
    bytes.push(hex === undefined ? (letter as string).charCodeAt(0) : Number.parseInt(hex, 16));
  }
  const id = Buffer.from(bytes).toString('utf8');
  return claimIdFault(id) === undefined && refOfClaim(id) === ref ? id : undefined;
}

/**
 * The folded id in letters that every server takes: lower-case letters, digits, `_`, `-` and single inner dots stand for
 * themselves, each other byte is `=` and two hex digits. A slash is such a byte: `src` and `src/parser.ts` are two
 * claims, and git could not have both as branches.
 */
function nameOf(id: string): string {
  if (isPlainName(id)) return id;
  const folded = folding(id);
  const bytes = [...Buffer.from(folded, 'utf8')];
  const last = bytes.length - 1;
  const isReserved = RESERVED_ON_WINDOWS.test(folded);
  // git-check-ref-format(1): no dot at either end, no two in a row, no `.lock` at the end.
  const lockDot = folded.endsWith('.lock') ? last - 4 : -1;
  return bytes
    .map((byte, index) => {
      const letter = String.fromCharCode(byte);
      const isFirst = index === 0;
      const isPlainDot =
        letter === '.' && !isFirst && index !== last && index !== lockDot && bytes[index - 1] !== byte;
      const isPlain = /[a-z0-9_-]/.test(letter) && !(isFirst && (isReserved || letter === '-'));
      return isPlain || isPlainDot ? letter : `=${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

/** Of the thousands of ids in a list, nearly all are names as they are. */
function isPlainName(id: string): boolean {
  return /^[a-z0-9_][a-z0-9_-]*$/.test(id) && id.length <= LONGEST_ID && !RESERVED_ON_WINDOWS.test(id);
}

/** By way of upper case: a final sigma, a long s and a sharp s are other letters in lower case only. */
function folding(id: string): string {
  return id.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}
