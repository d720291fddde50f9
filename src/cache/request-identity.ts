import { createHash } from 'node:crypto';

import { requestUrl } from '../net/exchange.js';
import { splitCredentials } from '../net/url.js';

/** Only the client's name for itself: it selects no representation. */
const WITHOUT_MEANING = new Set(['user-agent']);

/**
 * Distinguishes requests whose answers may differ: by URL with its query, by user, by every header of the caller's. Only a
 * hash of it is written down. Of a name with a password only the name counts: a new password is the same user.
 */
export function requestIdentity(url: string | URL, headers: Readonly<Record<string, string>>): string {
  const fields = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !WITHOUT_MEANING.has(name));
  const authorization =
    fields.find(([name]) => name === 'authorization')?.[1] ?? splitCredentials(url).authorization;
  const rest = fields.filter(([name]) => name !== 'authorization').toSorted(([a], [b]) => (a < b ? -1 : 1));
  return shortHash(JSON.stringify([requestUrl(url), userOf(authorization), rest]));
}

/** Of a URL alone, for the tags of its answers. */
export function urlIdentity(url: string | URL): string {
  return shortHash(requestUrl(url));
}

function userOf(authorization: string | undefined): string | null {
  const basic = /^basic\s+(\S+)$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined) return authorization ?? null;
  return Buffer.from(basic, 'base64').toString().split(':', 1)[0] as string;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
