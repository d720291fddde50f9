/** The URL as messages may show it: no user, no password, no query (tokens travel there), no fragment. */
export function displayUrl(url: string | URL): string {
  if (!URL.canParse(String(url))) return String(url).replace(/[?#].*$/s, '');
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.search = '';
  shown.hash = '';
  return shown.href;
}

/** fetch refuses URLs with credentials: they become a header, which redirects to other origins drop. */
export function splitCredentials(url: string | URL): { url: URL; authorization: string | undefined } {
  const plain = new URL(url);
  if (plain.username === '' && plain.password === '') return { url: plain, authorization: undefined };
  const pair = `${decodeURIComponent(plain.username)}:${decodeURIComponent(plain.password)}`;
  plain.username = '';
  plain.password = '';
  return { url: plain, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}
