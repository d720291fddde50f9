import { contentError } from './failure.js';

/** The member of a JSON object that carries the fencing token of its last writer, as a decimal string. */
export const TOKEN_MEMBER = '$fencingToken';

/** Splits the token off. Values that are no objects have none. */
export function splitToken(value: unknown, path: string): { value: unknown; token: bigint | undefined } {
  if (!isRecord(value) || !Object.hasOwn(value, TOKEN_MEMBER)) return { value, token: undefined };
  const { [TOKEN_MEMBER]: text, ...rest } = value;
  if (typeof text !== 'string' || !/^\d{1,40}$/.test(text)) {
    throw contentError(
      'read',
      path,
      `its ${TOKEN_MEMBER} is no decimal number in quotes`,
      'Correct or remove it',
    );
  }
  return { value: rest, token: BigInt(text) };
}

/** @throws TypeError when there is a token and the value cannot carry it. */
export function joinToken(value: unknown, token: bigint | undefined): unknown {
  if (isRecord(value) && Object.hasOwn(value, TOKEN_MEMBER)) {
    throw new TypeError(`The member ${TOKEN_MEMBER} is ours: pass the fencing token as an option.`);
  }
  if (token === undefined) return value;
  if (!isRecord(value)) throw new TypeError('Only a JSON object can carry a fencing token.');
  return { ...value, [TOKEN_MEMBER]: String(token) };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
