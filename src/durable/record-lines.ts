import { joinToken, TOKEN_MEMBER } from './token-member.js';

/**
 * Records as lines of JSON. They are formatted when the call is made; the token of the hold, which is only known when the
 * lock is held, becomes the last member of each.
 */
export class RecordLines {
  readonly #texts: readonly string[];

  /** @throws TypeError for what is no object or array, or what JSON cannot say. */
  constructor(records: readonly object[]) {
    this.#texts = records.map(textOf);
  }

  /** @throws TypeError when there is a token and a record is an array, which cannot carry it. */
  under(token: bigint | undefined): string {
    if (token === undefined) return `${this.#texts.join('\n')}\n`;
    return this.#texts.map((text) => `${withToken(text, token)}\n`).join('');
  }
}

function textOf(record: object): string {
  if (typeof record !== 'object' || record === null)
    throw new TypeError('A record is an object or an array.');
  joinToken(record, undefined);
  const text = JSON.stringify(record) as string | undefined;
  // A toJSON may have made anything of it.
  if (text?.startsWith('{') !== true && text?.startsWith('[') !== true)
    throw new TypeError('A record is an object or an array.');
  return text;
}

function withToken(text: string, token: bigint): string {
  if (text.startsWith('[')) throw new TypeError('Only a JSON object can carry a fencing token.');
  const separator = text === '{}' ? '' : ',';
  return `${text.slice(0, -1)}${separator}${JSON.stringify(TOKEN_MEMBER)}:"${token}"}`;
}
