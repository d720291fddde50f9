/** Where claims live at the remote: one branch each. */
export const CLAIM_REF_PREFIX = 'refs/heads/holdfast/claims/';

const LONGEST_ID = 100;
const RESERVED_ON_WINDOWS = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/** Why `id` cannot name a claim; undefined when it can. */
export function claimIdFault(id: string): string | undefined {
  if (id === '') return 'it is empty';
  if (id.length > LONGEST_ID) return `it has ${id.length} characters, and ${LONGEST_ID} are allowed`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id)) {
    return 'it may only have letters, digits, ".", "_" and "-", and begins with a letter or digit';
  }
  if (id.includes('..')) return 'it contains ".."';
  if (id.endsWith('.') || id.toLowerCase().endsWith('.lock')) return 'it ends in "." or ".lock"';
  if (RESERVED_ON_WINDOWS.test(id)) return 'Windows reserves that name';
  return undefined;
}

/** @throws TypeError when `id` cannot name a claim. */
export function assertClaimId(id: string): void {
  const fault = typeof id === 'string' ? claimIdFault(id) : 'it is no text';
  if (fault !== undefined)
    throw new TypeError(`"${String(id).slice(0, 120)}" cannot name a claim: ${fault}.`);
}

/**
 * The branch of a claim. Capitals become `=` and the small letter: a remote on a file system that ignores case
 * would make one branch of `Foo` and `foo`.
 */
export function refOfClaim(id: string): string {
  return CLAIM_REF_PREFIX + id.replace(/[A-Z]/g, (letter) => `=${letter.toLowerCase()}`);
}

/** The id that a branch stands for; undefined when the branch is not one that {@link refOfClaim} makes. */
export function claimOfRef(ref: string): string | undefined {
  if (!ref.startsWith(CLAIM_REF_PREFIX)) return undefined;
  const encoded = ref.slice(CLAIM_REF_PREFIX.length);
  const id = encoded.replace(/=([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return claimIdFault(id) === undefined && refOfClaim(id) === ref ? id : undefined;
}
