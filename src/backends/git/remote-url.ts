import { isAbsolute, resolve } from 'node:path';

import { withoutCredentials } from '../../core/credentials.js';
import { LockError } from '../../core/errors.js';
import type { GitConfigEntry } from './git-config.js';

/**
 * The one URL that decides: what `git remote get-url --push --all REMOTE` prints, from configuration that was
 * read already (a process less for each claim). `remote` may be a URL or a path itself.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH when there is no such remote or it pushes to several places: with
 *   two arbiters both could say yes.
 */
export function arbiterUrl(entries: readonly GitConfigEntry[], remote: string, topLevel: string): string {
  const urls = pushUrls(entries, remote);
  const [url] = urls;
  if (url === undefined) {
    throw mismatch(
      remote,
      'git knows no remote of that name',
      'Add it with git remote add, or name another with --remote',
    );
  }
  if (urls.length > 1) {
    throw mismatch(
      remote,
      `it pushes to ${urls.length} URLs, and one place has to decide`,
      'Leave it one push URL, or name a remote that has one',
    );
  }
  // Git itself would read a relative path from the top of the working tree, our git runs elsewhere.
  return isLocalPath(url) && !isAbsolute(url) ? resolve(topLevel, url) : url;
}

function mismatch(remote: string, fact: string, nextStep: string): LockError {
  const shown = withoutCredentials(remote);
  return new LockError(`Could not use the remote "${shown}": ${fact}. ${nextStep}.`, {
    code: 'HOLDFAST_CONFIG_MISMATCH',
    resource: shown,
  });
}

function pushUrls(entries: readonly GitConfigEntry[], remote: string): string[] {
  const valuesOf = (variable: string): string[] => {
    const values: string[] = [];
    for (const { key, value } of entries) {
      if (key !== `remote.${remote}.${variable}`) continue;
      // An empty value forgets the ones before it (git 2.46 and later; before that it names nothing).
      if (value === '') values.length = 0;
      else values.push(value);
    }
    return values;
  };
  const explicit = valuesOf('pushurl').map((url) => rewritten(entries, 'insteadof', url) ?? url);
  if (explicit.length > 0) return explicit;
  let urls = valuesOf('url');
  if (urls.length === 0 && /[/:\\]|^\.{1,2}$/.test(remote)) urls = [remote];
  const forPush = urls
    .map((url) => rewritten(entries, 'pushinsteadof', url))
    .filter((url) => url !== undefined);
  return forPush.length > 0 ? forPush : urls.map((url) => rewritten(entries, 'insteadof', url) ?? url);
}

/** url.BASE.insteadOf: the longest prefix wins. */
function rewritten(entries: readonly GitConfigEntry[], variable: string, url: string): string | undefined {
  let longest = 0;
  let result: string | undefined;
  for (const { key, value } of entries) {
    if (!key.startsWith('url.') || !key.endsWith(`.${variable}`)) continue;
    if (value.length <= longest || !url.startsWith(value)) continue;
    longest = value.length;
    result = key.slice('url.'.length, -(variable.length + 1)) + url.slice(value.length);
  }
  return result;
}

/** Git takes `host:path` for ssh and everything without a scheme for a path. */
function isLocalPath(url: string): boolean {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url) || /^[A-Za-z][A-Za-z0-9+.-]*::/.test(url)) return false;
  const colon = url.indexOf(':');
  const slash = url.indexOf('/');
  return colon < 0 || (slash >= 0 && slash < colon);
}
