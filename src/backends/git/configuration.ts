import type { GitSettings } from '../../process/git/environment.js';

/** One line of `git config --list`, the key in git's canonical spelling: section and variable in small letters. */
export interface GitConfigEntry {
  readonly scope: string;
  /** `file:PATH` without `file:`; relative to where git works. */
  readonly origin: string;
  readonly key: string;
  readonly value: string;
}

/** Reads the output of `git config -z --show-scope --show-origin --list`. */
export function parseGitConfig(output: string): GitConfigEntry[] {
  const fields = output.split('\0');
  const entries: GitConfigEntry[] = [];
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [scope, place, entry] = fields.slice(i, i + 3) as [string, string, string];
    const end = entry.indexOf('\n');
    const origin = place.replace(/^file:/, '');
    // A key without `=` has no value line; git reads it as true.
    entries.push(
      end < 0
        ? { scope, origin, key: entry, value: 'true' }
        : { scope, origin, key: entry.slice(0, end), value: entry.slice(end + 1) },
    );
  }
  return entries;
}

/** The last value of a key, as git takes it. */
export function lastValue(entries: readonly GitConfigEntry[], key: string): string | undefined {
  return entries.findLast((entry) => entry.key === key)?.value;
}

/** What says how a remote is reached. Everything else could change what a git of ours does; `url.*` is applied already. */
const TRANSPORT_KEY =
  /^(?:credential|http|protocol|ssh)\.|^core\.(?:sshcommand|gitproxy|askpass|longpaths)$|^transfer\.credentialsinurl$/;

/** The settings of the clone that a git in the private store is given. */
export function transportSettings(entries: readonly GitConfigEntry[]): GitSettings {
  return entries.flatMap(({ key, value }) => (TRANSPORT_KEY.test(key) ? [[key, value] as const] : []));
}
