import { assertKnownParameters } from '../engine/address.js';
import { isAwsHost, sharedSetting } from './profile.js';

/** Structured-cloneable, so that a worker can reach the same store. Holds no secret: credentials are looked up where they are used. */
export interface S3Config {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** `https://HOST[:PORT]`, without the bucket. */
  readonly endpoint: string;
  readonly region: string;
  /** `https://HOST/BUCKET/KEY` instead of `https://BUCKET.HOST/KEY`. */
  readonly isPathStyle: boolean;
  readonly profile: string | undefined;
  /** ETags are sent without their quotes: some stores compare them as they come (Ceph). Learned by the proof. */
  readonly isUnquoted?: boolean;
  /** The host of the endpoint, for messages. */
  readonly server: string;
  /** The address without the name of a lock, for messages. */
  readonly display: string;
}

const PARAMETERS = ['endpoint', 'region', 'style', 'profile'];

/**
 * Reads `s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&style=path|host&profile=NAME]`. What it does not say is taken from
 * `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_DEFAULT_REGION` and the profile in `~/.aws/config`.
 *
 * @throws TypeError for an address that would be misunderstood.
 */
export function s3Config(target: string, env: NodeJS.ProcessEnv = process.env): S3Config {
  const [, bucket = '', path = '', query = ''] = /^s3:\/\/([^/?#]*)([^?#]*)(?:\?(.*))?$/s.exec(target) ?? [];
  const prefix = path.replace(/^\/+|\/+$/g, '');
  const display = `s3://${bucket.includes('@') ? '' : bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const invalid = (fact: string, next: string): TypeError =>
    new TypeError(`Could not read the address "${display}": ${fact}. ${next}.`);
  if (bucket.includes('@')) {
    throw invalid(
      'it contains credentials',
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with ?profile=',
    );
  }
  if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i.test(bucket)) {
    throw invalid(`"${bucket}" is not the name of a bucket`, 'Write s3://BUCKET/PREFIX#NAME');
  }
  if (prefix.split('/').some((part) => part === '.' || part === '..' || (part === '' && prefix !== ''))) {
    throw invalid('its prefix has an empty part, or one of dots', 'Use other words between the slashes');
  }
  const parameters = new URLSearchParams(query);
  assertKnownParameters(display, parameters, PARAMETERS);
  const profile = parameters.get('profile') ?? env['AWS_PROFILE'] ?? undefined;
  const shared = (name: string): string | undefined => sharedSetting(profile, name, env);
  const region =
    parameters.get('region') ??
    env['AWS_REGION'] ??
    env['AWS_DEFAULT_REGION'] ??
    shared('region') ??
    'us-east-1';
  const named =
    parameters.get('endpoint') ??
    env['AWS_ENDPOINT_URL_S3'] ??
    env['AWS_ENDPOINT_URL'] ??
    shared('endpoint_url');
  const suffix = region.startsWith('cn-') ? '.cn' : '';
  const endpoint = named ?? `https://s3.${region}.amazonaws.com${suffix}`;
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw invalid('its endpoint is not a URL', 'Write ?endpoint=https://HOST:PORT');
  }
  const url = new URL(endpoint);
  if (url.username !== '' || url.password !== '') {
    throw invalid('its endpoint contains credentials', 'Leave them out');
  }
  const style = parameters.get('style');
  if (style !== null && style !== 'path' && style !== 'host') {
    throw invalid('the style is neither path nor host', 'Write ?style=path or ?style=host');
  }
  // A dot in the name of the bucket matches no certificate, and few other stores have names for their buckets.
  const isPathStyle = style === null ? !isAwsHost(url.hostname) || bucket.includes('.') : style === 'path';
  return {
    bucket,
    prefix,
    endpoint: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    region,
    isPathStyle,
    profile,
    server: url.host,
    display,
  };
}

const KEY_BYTES_MAX = 1_024;

/**
 * The key of a lock's object. Every character of the name counts, and none of them leads elsewhere: what is not a letter,
 * a digit, `_`, `-` or `.` is escaped, and a dot at the start.
 *
 * @throws TypeError for a name that no key can hold.
 */
export function keyOf(config: Pick<S3Config, 'prefix' | 'display'>, name: string): string {
  const escaped = [...Buffer.from(name, 'utf8')]
    .map((byte, index) => {
      const text = String.fromCharCode(byte);
      const isPlain = /[\w-]/.test(text) || (text === '.' && index > 0);
      return isPlain ? text : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  const key = config.prefix === '' ? escaped : `${config.prefix}/${escaped}`;
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) {
    throw new TypeError(
      `Could not lock "${config.display}#${name}": the key of its object would be longer than ${KEY_BYTES_MAX} bytes. Use a shorter name.`,
    );
  }
  return key;
}

/** The name of the lock whose object is at `key`; undefined for keys that are no lock's. */
export function nameOf({ prefix }: Pick<S3Config, 'prefix'>, key: string): string | undefined {
  const escaped = prefix === '' ? key : key.startsWith(`${prefix}/`) ? key.slice(prefix.length + 1) : '';
  if (!/^(?:[\w-]|%[0-9A-F]{2})(?:[\w.-]|%[0-9A-F]{2})*$/.test(escaped)) return undefined;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
}

/** Of the object by which the store is proven. No name of a lock has this key. */
export function probeKey({ prefix }: Pick<S3Config, 'prefix'>): string {
  return prefix === '' ? '.holdfast-probe' : `${prefix}/.holdfast-probe`;
}

/** The URL of a key, or of the bucket. */
export function urlOf(config: S3Config, key: string | undefined, query = ''): string {
  const { endpoint, bucket, isPathStyle } = config;
  const url = new URL(endpoint);
  if (!isPathStyle) url.hostname = `${bucket}.${url.hostname}`;
  const base = url.pathname.replace(/\/+$/, '');
  const path = [...(isPathStyle ? [bucket] : []), ...(key === undefined ? [] : key.split('/'))];
  return `${url.origin}${base}/${path.map(encodeURIComponent).join('/')}${query === '' ? '' : `?${query}`}`;
}
