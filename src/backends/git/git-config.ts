/** One line of `git config --list`, the key in git's canonical spelling: section and variable in small letters. */
export interface GitConfigEntry {
  readonly scope: string;
  readonly key: string;
  readonly value: string;
}

/** What is read of the clone's configuration, in one process. */
export const CONFIG_PATTERN =
  '^(remote|url|credential|http|core|user|gpg|holdfast|include|includeif|extensions)\\.';

/** Reads the output of `git config -z --show-scope --get-regexp`. */
export function parseGitConfig(output: string): GitConfigEntry[] {
  const fields = output.split('\0');
  const entries: GitConfigEntry[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [scope, entry] = [fields[i] as string, fields[i + 1] as string];
    const end = entry.indexOf('\n');
    // A key without `=` has no value line; git reads it as true.
    entries.push(
      end < 0
        ? { scope, key: entry, value: 'true' }
        : { scope, key: entry.slice(0, end), value: entry.slice(end + 1) },
    );
  }
  return entries;
}

/** The last value of a key, as git takes it. */
export function lastValue(entries: readonly GitConfigEntry[], key: string): string | undefined {
  return entries.findLast((entry) => entry.key === key)?.value;
}

/** Only what says how the remote is reached. Everything else of the clone could change what our git does. */
function isPassedOn({ scope, key }: GitConfigEntry): boolean {
  // Global and system settings reach git in the private store by themselves.
  if (scope !== 'local' && scope !== 'worktree' && scope !== 'command') return false;
  return /^(?:credential|http)\./.test(key) || key === 'core.sshcommand';
}

const OWN_SETTINGS = `[core]
	repositoryformatversion = 0
	bare = true
	hooksPath = /dev/null
	logAllRefUpdates = false
[gc]
	auto = 0
[maintenance]
	auto = false
[push]
	followTags = false
	gpgSign = false
	recurseSubmodules = no
[fetch]
	recurseSubmodules = no
	fsckObjects = false
	unpackLimit = 100000
[transfer]
	fsckObjects = false
[submodule]
	recurse = false
`;

/**
 * The private store's own configuration. The clone's settings go into this file and not into arguments: an
 * `http.extraHeader` there would show a token to everybody who runs ps.
 */
export function storeConfigText(entries: readonly GitConfigEntry[]): string {
  return OWN_SETTINGS + entries.filter(isPassedOn).map(entryText).join('');
}

function entryText({ key, value }: GitConfigEntry): string {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  const subsection = first === last ? '' : ` "${key.slice(first + 1, last).replace(/["\\]/g, '\\$&')}"`;
  const escaped = value.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  return `[${key.slice(0, first)}${subsection}]\n\t${key.slice(last + 1)} = "${escaped}"\n`;
}
