import { isAbsolute, resolve } from 'node:path';

import { withoutCredentials } from '../../core/credentials.js';
import { LockError } from '../../core/errors.js';
import type { GitSettings } from '../../process/git/environment.js';
import type { GitConfigEntry } from './configuration.js';

/** What the remote is called in the private store, whatever it is called in the clone. */
export const REMOTE_NAME = 'holdfast';
/** The same with the arbiter's URL also for reading. */
export const ARBITER_NAME = 'holdfast-arbiter';

/** Where claims are read and where they are decided, after every `url.*` rule has been applied once. */
export interface Remote {
  /** As the user named it, without credentials. */
  readonly name: string;
  readonly fetchUrl: string;
  /** The arbiter: what this place accepts is so. */
  readonly pushUrl: string;
  /** `remote.holdfast.*` for a git that knows no other remote. */
  readonly settings: GitSettings;
}

/** `remote.NAME.*` that say how the remote is reached. */
const PASSED_ON = ['uploadpack', 'receivepack', 'proxy', 'proxyauthmethod', 'vcs', 'serveroption'];

/**
 * The URLs that git itself would use for `remote`, a name, URL or path: what `git remote get-url --all` and `--push --all`
 * print, from configuration that was read already (two processes less for each claim).
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH when there is no such remote or it pushes to several places: with two
 *   arbiters both could accept.
 */
export function remoteOf(
  entries: readonly GitConfigEntry[],
  remote: string,
  topLevel: string,
  env: NodeJS.ProcessEnv,
): Remote {
  const urls = urlsOf(entries, remote);
  const [fetchUrl, pushUrl] = [urls.fetch[0], urls.push[0]];
  if (fetchUrl === undefined || pushUrl === undefined) {
    throw mismatch(
      remote,
      'git knows no remote of that name',
      'Add it with git remote add, or name another with --remote',
    );
  }
  if (urls.push.length > 1) {
    throw mismatch(
      remote,
      `it pushes to ${urls.push.length} URLs, and one place has to decide`,
      'Leave it one push URL, or name a remote that has one',
    );
  }
  const [reading, deciding] = [absolute(fetchUrl, topLevel), absolute(pushUrl, topLevel)];
  const own = (variable: string): string[] =>
    entries.filter(({ key }) => key === `remote.${remote}.${variable}`).map(({ value }) => value);
  const settings: [string, string][] = [
    ['url', reading],
    ['pushurl', deciding],
    ['followremotehead', 'never'],
  ];
  for (const variable of PASSED_ON) for (const value of own(variable)) settings.push([variable, value]);
  const server = serverPrefix(env);
  if (isLocal(reading))
    settings.push(['uploadpack', server + (own('uploadpack').at(-1) ?? 'git-upload-pack')]);
  if (isLocal(deciding))
    settings.push(['receivepack', server + (own('receivepack').at(-1) ?? 'git-receive-pack')]);
  const named = settings.map(([variable, value]) => [`remote.${REMOTE_NAME}.${variable}`, value] as const);
  const arbiter: [string, string][] = [[`remote.${ARBITER_NAME}.url`, deciding]];
  if (isLocal(deciding)) arbiter.push([`remote.${ARBITER_NAME}.uploadpack`, `${server}git-upload-pack`]);
  return {
    name: withoutCredentials(remote),
    fetchUrl: reading,
    pushUrl: deciding,
    settings: [...named, ...(reading === deciding ? [] : arbiter)],
  };
}

/** Whether one URL and one program serve both: then what is pushed can be fetched. */
export function isOnePlace({ fetchUrl, pushUrl, settings }: Remote): boolean {
  if (fetchUrl !== pushUrl) return false;
  const isNamed = (name: string): boolean =>
    settings.filter(([key]) => key === `remote.${REMOTE_NAME}.${name}`).length > (isLocal(pushUrl) ? 1 : 0);
  return !isNamed('uploadpack') && !isNamed('receivepack');
}

/**
 * The other side of a path is a git on this machine, which has the user's own settings (`safe.directory`,
 * `receive.*`) although ours does without them. Git starts it with a shell.
 */
function serverPrefix(env: NodeJS.ProcessEnv): string {
  const names = ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_NOSYSTEM', 'GIT_CONFIG_SYSTEM'];
  const given = names.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [`${name}='${value.replaceAll("'", "'\\''")}' `];
  });
  return `unset ${names.join(' ')}; ${given.join('')}`;
}

function mismatch(remote: string, fact: string, nextStep: string): LockError {
  const shown = withoutCredentials(remote);
  return new LockError(`Could not use the remote "${shown}": ${fact}. ${nextStep}.`, {
    code: 'HOLDFAST_CONFIG_MISMATCH',
    resource: shown,
  });
}

function urlsOf(
  entries: readonly GitConfigEntry[],
  remote: string,
): { readonly fetch: readonly string[]; readonly push: readonly string[] } {
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
  let urls = valuesOf('url');
  if (urls.length === 0 && isUrl(remote)) urls = [remote];
  const fetch = urls.map((url) => rewritten(entries, 'insteadof', url) ?? url);
  const explicit = valuesOf('pushurl').map((url) => rewritten(entries, 'insteadof', url) ?? url);
  if (explicit.length > 0) return { fetch: fetch.length > 0 ? fetch : explicit, push: distinct(explicit) };
  const forPush = urls
    .map((url) => rewritten(entries, 'pushinsteadof', url))
    .filter((url) => url !== undefined);
  return { fetch, push: distinct(forPush.length > 0 ? forPush : fetch) };
}

/** Git would push to one place twice; it decides once. */
function distinct(urls: readonly string[]): readonly string[] {
  return [...new Set(urls)];
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

/** Git itself reads a relative path from the top of the working tree. What begins with `~` is found by the other side. */
function absolute(url: string, topLevel: string): string {
  return isPath(url) && !isAbsolute(url) && !url.startsWith('~') ? resolve(topLevel, url) : url;
}

function isLocal(url: string): boolean {
  return isPath(url) || url.startsWith('file://');
}

/** Git takes `host:path` for ssh and everything without a scheme for a path. */
function isPath(url: string): boolean {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url) || /^[A-Za-z][A-Za-z0-9+.-]*::/.test(url)) return false;
  const colon = url.indexOf(':');
  const slash = url.indexOf('/');
  return colon < 0 || (slash >= 0 && slash < colon);
}

/** Whether `remote` can be a URL or path, and not only a name. */
export function isUrl(remote: string): boolean {
  return /[/:\\]|^\.{1,2}$/.test(remote);
}
