import { fileURLToPath } from 'node:url';

import { withoutCredentials } from './credentials.js';
import { nearest } from './nearest.js';

/** Backends that an address can name. `path` leaves the choice to the kind of file system. */
export type Scheme = 'path' | 'flock' | 'lease' | 'memory' | 'git' | 'etcd' | 'redis' | 'postgres' | 's3';

export interface Address {
  readonly scheme: Scheme;
  /** The path, git remote or server URL; empty for `memory`. May contain credentials: never print it. */
  readonly target: string;
  /** The lock's name behind `#`, every character of it; empty for paths. */
  readonly name: string;
  /** The address as it is shown: as given, without credentials. */
  readonly display: string;
}

/** Schemes of engines, in all their spellings. */
export const ENGINES: Readonly<Record<string, Scheme>> = {
  etcd: 'etcd',
  etcds: 'etcd',
  redis: 'redis',
  rediss: 'redis',
  valkey: 'redis',
  valkeys: 'redis',
  postgres: 'postgres',
  postgresql: 'postgres',
  s3: 's3',
};

const SCHEMES = ['file', 'flock', 'lease', 'memory', 'git', ...Object.keys(ENGINES)];

/** Below this length a word is a file name sooner than a slip: `go:x`. */
const MISSPELLED_MIN_CHARS = 4;

/**
 * Reads a lock address. `C:\x`, `a#b` and `a:b` are names of files; what begins with a known scheme, or nearly so, is
 * an address or an error, and `./redis:x` is the file of that name.
 *
 * In the URL forms the name of the lock is everything behind the first `#`, whatever it contains: `redis://h#user#7`
 * is the lock `user#7`. A `#` before that is written `%23`.
 *
 * @throws TypeError when the address is empty, incomplete, misspelled, or a `scheme://` that is not known here.
 */
export function parseAddress(text: string): Address {
  if (typeof text !== 'string' || text === '') throw invalid(String(text), 'it is empty', 'Give a path');
  if (text.includes('\0')) throw invalid(text.replaceAll('\0', '\\0'), 'it contains a NUL byte', 'Remove it');
  // A single letter is a drive.
  const word = /^([a-zA-Z][a-zA-Z0-9+.-]+):/.exec(text)?.[1];
  if (word === undefined) return pathAddress('path', text, text);
  const rest = text.slice(word.length + 1);
  switch (word) {
    case 'file':
      return pathAddress('path', rest.startsWith('//') ? pathOfFileUrl(text) : rest, text);
    case 'flock':
    case 'lease':
      return pathAddress(word, rest, text);
    case 'memory':
      if (!rest.startsWith('#')) throw invalid(text, 'the name is missing', 'Write memory:#NAME');
      return named('memory', '', rest.slice(1), text);
    case 'git':
      if (rest.startsWith('//'))
        throw invalid(text, 'the scheme is missing', 'Write git:git://HOST/PATH#NAME');
      return splitName('git', rest, text);
  }
  const engine = ENGINES[word];
  if (engine !== undefined) {
    if (rest.startsWith('//')) return engineAddress(engine, text);
    throw invalid(
      `${word}:`,
      '// is missing',
      `Write ${word}://HOST#NAME, or ./${word}:... for a file of that name`,
    );
  }
  if (rest.startsWith('//')) throw unknownScheme(text, word);
  const meant = word.length >= MISSPELLED_MIN_CHARS ? nearest(word.toLowerCase(), SCHEMES) : undefined;
  if (meant !== undefined) {
    throw invalid(
      text,
      `it looks like ${meant}: misspelled`,
      `Write ${meant}:, or ./${text} for a file of that name`,
    );
  }
  return pathAddress('path', text, text);
}

function pathOfFileUrl(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (error) {
    throw invalid(text, (error as Error).message, 'Write file:///PATH');
  }
}

function pathAddress(scheme: Scheme, path: string, display: string): Address {
  if (path === '') throw invalid(display, 'the path is missing', `Write ${scheme}:PATH`);
  return { scheme, target: path, name: '', display };
}

function engineAddress(scheme: Scheme, text: string): Address {
  const { target, name } = splitName(scheme, text, text);
  // Several members, or hosts to try: `etcd://a:2379,b:2379#name`. The list is no URL; each of its hosts makes one.
  const [, start = '', hosts = '', rest = ''] =
    /^([a-z0-9]+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(target) ?? [];
  const members = scheme === 'redis' || scheme === 's3' ? [hosts] : hosts.split(',');
  // `postgres://user@/db?host=/run/postgresql`: no URL has a user and no host.
  const isHostless = scheme === 'postgres' && hosts === '';
  const hostOf = (member: string): string => (isHostless ? 'localhost' : member);
  if (members.some((member) => !URL.canParse(`${start}${hostOf(member)}${rest}`))) {
    throw invalid(
      scheme,
      'it is not a URL',
      `Write ${scheme === 's3' ? 's3://BUCKET/PREFIX' : `${scheme}://HOST:PORT`}#NAME`,
    );
  }
  return { scheme, target, name, display: `${withoutCredentials(target)}#${name}` };
}

function splitName(scheme: Scheme, rest: string, text: string): Address {
  const hash = rest.indexOf('#');
  if (hash <= 0) throw invalid(scheme, 'the name of the lock is missing', 'Write it behind a # at the end');
  return named(scheme, rest.slice(0, hash), rest.slice(hash + 1), text);
}

function named(scheme: Scheme, target: string, name: string, text: string): Address {
  if (name === '') throw invalid(scheme, 'the name behind # is empty', 'Write a name behind the #');
  const display = scheme === 'git' ? `git:${withoutCredentials(target)}#${name}` : text;
  return { scheme, target, name, display };
}

/** What other tools write, and what to write here. */
const ELSEWHERE: readonly (readonly [RegExp, hint: string])[] = [
  [/sentinel/i, 'Addresses of Sentinels are not supported: write redis:// with the primary that they watch'],
  [/cluster/i, 'Clusters are not supported: a lock needs one server that decides'],
  [/^(redis|valkey)s?\W?(unix|socket)$|^unix$/i, 'For a Unix socket write redis:///0?socket=PATH#NAME'],
];

function unknownScheme(text: string, word: string): TypeError {
  const elsewhere = ELSEWHERE.find(([pattern]) => pattern.test(word));
  if (elsewhere !== undefined) return invalid(text, `no backend is called "${word}"`, elsewhere[1]);
  const meant = nearest(word.toLowerCase(), SCHEMES);
  const hint =
    meant === undefined
      ? 'Use a path, flock:, lease:, memory:, git:, etcd://, redis://, postgres:// or s3://'
      : `Did you mean ${meant}:`;
  return invalid(text, `no backend is called "${word}"`, hint);
}

function invalid(text: string, fact: string, nextStep: string): TypeError {
  return new TypeError(`Could not read the address "${withoutCredentials(text)}": ${fact}. ${nextStep}.`);
}
