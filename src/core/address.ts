import { fileURLToPath } from 'node:url';

import { withoutCredentials } from './credentials.js';

/** Backends that an address can name. `path` leaves the choice to the kind of file system. */
export type Scheme = 'path' | 'flock' | 'lease' | 'memory' | 'git' | 'etcd' | 'redis' | 'postgres';

export interface Address {
  readonly scheme: Scheme;
  /** The path, git remote or server URL; empty for `memory`. May contain credentials: never print it. */
  readonly target: string;
  /** The lock's name behind `#`; empty for paths. */
  readonly name: string;
  /** What to show people: the address as given, without credentials. */
  readonly display: string;
}

const ENGINES: Readonly<Record<string, Scheme>> = {
  'etcd:': 'etcd',
  'etcds:': 'etcd',
  'redis:': 'redis',
  'rediss:': 'redis',
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
};

/**
 * Reads a lock address. Everything that is not one of our URL forms is a path: `C:\x`, `a#b` and `a:b` are
 * names of files. `#` separates the lock's name in the URL forms only.
 *
 * @throws TypeError when the address is empty, incomplete, or a `scheme://` nobody here knows.
 */
export function parseAddress(text: string): Address {
  if (typeof text !== 'string' || text === '') throw invalid(String(text), 'it is empty', 'Give a path');
  if (text.includes('\0')) throw invalid(text.replaceAll('\0', '\\0'), 'it contains a NUL byte', 'Remove it');
  const scheme = /^[a-z][a-z0-9+.-]+:/.exec(text)?.[0];
  if (scheme === undefined) return pathAddress('path', text, text);
  const rest = text.slice(scheme.length);
  switch (scheme) {
    case 'file:':
      return pathAddress('path', rest.startsWith('//') ? fileURLToPath(text) : rest, text);
    case 'flock:':
    case 'lease:':
      return pathAddress(scheme.slice(0, -1) as Scheme, rest, text);
    case 'memory:':
      if (!rest.startsWith('#')) throw invalid(text, 'the name is missing', 'Write memory:#NAME');
      return named('memory', '', rest.slice(1), text);
    case 'git:':
      return splitName('git', rest, text);
  }
  const engine = ENGINES[scheme];
  if (engine !== undefined && rest.startsWith('//')) return engineAddress(engine, text);
  if (rest.startsWith('//')) {
    throw invalid(
      text,
      `no backend is called "${scheme.slice(0, -1)}"`,
      'Use a path, flock:, lease:, memory:, git:, etcd://, redis:// or postgres://',
    );
  }
  return pathAddress('path', text, text);
}

function pathAddress(scheme: Scheme, path: string, display: string): Address {
  if (path === '') throw invalid(display, 'the path is missing', `Write ${scheme}:PATH`);
  return { scheme, target: path, name: '', display };
}

function engineAddress(scheme: Scheme, text: string): Address {
  const { target, name } = splitName(scheme, text, text);
  // etcd has several members: `etcd://a:2379,b:2379#name`. The list is no URL; each of its hosts makes one.
  const [, start = '', hosts = '', rest = ''] =
    /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(target) ?? [];
  const members = scheme === 'etcd' ? hosts.split(',') : [hosts];
  if (members.some((member) => !URL.canParse(`${start}${member}${rest}`))) {
    throw invalid(scheme, 'it is not a URL', `Write ${scheme}://HOST:PORT#NAME`);
  }
  return { scheme, target, name, display: `${withoutCredentials(target)}#${name}` };
}

function splitName(scheme: Scheme, rest: string, text: string): Address {
  const hash = rest.lastIndexOf('#');
  if (hash <= 0) throw invalid(scheme, 'the name of the lock is missing', 'Write it behind a # at the end');
  return named(scheme, rest.slice(0, hash), rest.slice(hash + 1), text);
}

function named(scheme: Scheme, target: string, name: string, text: string): Address {
  if (name === '') throw invalid(scheme, 'the name behind # is empty', 'Write a name behind the #');
  return { scheme, target, name, display: withoutCredentials(text) };
}

function invalid(text: string, fact: string, nextStep: string): TypeError {
  return new TypeError(`Could not read the address "${withoutCredentials(text)}": ${fact}. ${nextStep}.`);
}
