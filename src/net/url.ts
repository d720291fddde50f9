import { withoutCredentials } from '../core/credentials.js';

/** The URL as messages may show it: no credentials, no fragment. */
export function displayUrl(url: string | URL): string {
  return withoutCredentials(String(url)).replace(/[?#].*$/s, '');
}

/** fetch refuses URLs with credentials: they become a header, which redirects to other origins drop. */
export function splitCredentials(url: string | URL): { url: URL; authorization: string | undefined } {
  const plain = new URL(url);
  if (plain.username === '' && plain.password === '') return { url: plain, authorization: undefined };
  const pair = `${percentDecoded(plain.username)}:${percentDecoded(plain.password)}`;
  plain.username = '';
  plain.password = '';
  return { url: plain, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** As it stands where a percent sign stands for itself. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
