/** What servers of locks are addressed by: a raw `/` or `#` in a password is common there, an `@` behind it is not. */
const ENGINE = /^(?:etcds?|rediss?|postgres(?:ql)?|s3):/i;

/** Also with one slash: that is what is left of a URL that was taken for a path. */
const URL_START = /[a-z][a-z0-9+.-]*:\/\/|\b(?:https?|ssh|etcds?|rediss?|postgres(?:ql)?|s3):\//gi;

/** A fragment that carries a token, as OAuth has it. The name of a lock is kept. */
const SECRET_FRAGMENT = /(?:token|secret|password|passwd|key|sig|signature|code|auth)=/i;

/**
 * `text` with the credentials of every URL in it removed: user and password, query (tokens travel there), and a fragment
 * that carries a token. It is the only such function: messages, records, titles, traces and what a child process sees
 * are made from its result.
 *
 * It prefers removing too much: a password with a raw `/`, `#`, `?`, `@` or space takes the text up to its host along.
 */
export function withoutCredentials(text: string): string {
  if (!text.includes(':/')) return text;
  let result = '';
  let from = 0;
  URL_START.lastIndex = 0;
  for (let match = URL_START.exec(text); match !== null; match = URL_START.exec(text)) {
    const start = URL_START.lastIndex;
    const line = /^[^\r\n]*/.exec(text.slice(start))?.[0] ?? '';
    const skipped = credentialsLength(match[0], line);
    const rest = /^\S*/.exec(line.slice(skipped))?.[0] ?? '';
    result += text.slice(from, start) + withoutQuery(rest);
    from = start + skipped + rest.length;
    URL_START.lastIndex = from;
  }
  return result + text.slice(from);
}

/** How much behind `scheme://` belongs to user and password. `line` is what follows, to the end of the line. */
function credentialsLength(scheme: string, line: string): number {
  const word = /^\S*/.exec(line)?.[0] ?? '';
  let end = userEnd(scheme, word);
  for (;;) {
    const authority = authorityOf(word.slice(end));
    const isEnd = areHosts(authority) && (end === 0 || authority !== '');
    // `u:a@b#c@host`: a name or a query behind the bare host of such a URL, with an `@` in it, is more of the password.
    const isBare = end > 0 && !ENGINE.test(scheme) && /^[?#].*@/.test(word.slice(end + authority.length));
    if (isEnd && !isBare) return end;
    // No host, so the password goes on: to the last `@` of the word, or, if it has a space, to the next of the line.
    const at = word.lastIndexOf('@') >= end ? word.lastIndexOf('@') : line.indexOf('@', end);
    if (at < 0 || at >= word.length) return at < 0 ? end + authority.length : at + 1;
    end = at + 1;
  }
}

/** The end of `user:password@`; 0 when there is none. */
function userEnd(scheme: string, word: string): number {
  const isEngine = ENGINE.test(scheme);
  // The name of a lock may have an `@`, and a password a `#`: the last `#` begins the name.
  const beforeName = word.includes('#') ? word.slice(0, word.lastIndexOf('#')) : word;
  if (!isEngine && !authorityOf(word).includes('@')) return 0;
  const within = isEngine ? beforeName : withoutScopes(beforeName.split(/[?#]/, 1)[0] ?? '');
  return within.lastIndexOf('@') + 1;
}

function authorityOf(text: string): string {
  return /^[^/?#]*/.exec(text)?.[0] ?? '';
}

/** `/@scope/` of a package registry is no end of a password; the length stays. */
function withoutScopes(text: string): string {
  return text.replace(/\/@(?=[^@]*$)/g, '/ ');
}

function withoutQuery(word: string): string {
  const plain = word.replace(/\?[^\s#"<>`]*/g, punctuation);
  const hash = plain.indexOf('#');
  return hash >= 0 && SECRET_FRAGMENT.test(plain.slice(hash)) ? plain.slice(0, hash) : plain;
}

/** What ends a sentence or a bracket around a URL rather than the URL. */
function punctuation(query: string): string {
  return /[)'.,:;\]]*$/.exec(query)?.[0] ?? '';
}

/** `host`, `host:port` or `[::1]:port`; also the PORT of a help text. Anything else holds a secret. */
function isHost(text: string): boolean {
  // In here: the properties of Unicode cost a start of `run` without a URL more than all of its other patterns.
  return /^(?:\[[0-9a-f:.%]*\]|[\p{L}\p{N}._~%${}<>*-]*)(?::(?:\d*|PORT|P))?$/iu.test(text);
}

/** A cluster is a list of hosts. */
function areHosts(authority: string): boolean {
  return authority
    .replace(/["'`)>.,:;]{1,4}$/, '')
    .split(',')
    .every(isHost);
}
