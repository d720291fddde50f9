/** Settings in the order in which git reads them; of several values of one key the last one counts, where one counts. */
export type GitSettings = readonly (readonly [key: string, value: string])[];

/**
 * Variables by which a git that started this process (a hook, an alias) points every git below it at its own repository,
 * index or objects: what `git rev-parse --local-env-vars` prints, without the settings of the command line.
 */
const REPOSITORY_VARIABLES = [
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_NAMESPACE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
];

/** Variables that only state how a remote is reached, what vouches for it, and where traces go. */
const TRANSPORT_VARIABLE =
  /^GIT_(?:TRACE\w*|SSH(?:_COMMAND|_VARIANT)?|ASKPASS|SSL_\w+|HTTP_\w+|PROXY_\w+|CURL_\w+|ALLOW_PROTOCOL|PROTOCOL_FROM_USER|REDIRECT_\w+|EXEC_PATH|TEST_\w+)$/;

/** The environment of a git that does what the user's own git would do in that directory, without asking on a terminal. */
export function ownGitEnvironment(base: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return unattended({ ...base });
}

/** The same for a git that works in another repository than the one that the caller may be in; `settings` come last. */
export function gitEnvironmentElsewhere(base: NodeJS.ProcessEnv, settings: GitSettings): NodeJS.ProcessEnv {
  const env = unattended({ ...base });
  for (const name of REPOSITORY_VARIABLES) delete env[name];
  const count = Number(env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  return { ...env, ...settingVariables(settings, count) };
}

/**
 * The environment of a git that works in a repository of our own at `gitDir` and knows `settings`, the file `config` of that
 * repository, and nothing else: no settings of the user, the system or the caller's repository. Settings stand in
 * the environment because an `http.extraHeader` in an argument is shown by ps, and one in a file stays on disk.
 */
export function isolatedGitEnvironment(
  base: NodeJS.ProcessEnv,
  gitDir: string,
  settings: GitSettings,
): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(base)) {
    if (!name.startsWith('GIT_') || TRANSPORT_VARIABLE.test(name)) env[name] = value;
  }
  return {
    ...unattended(env),
    ...settingVariables(settings, 0),
    GIT_DIR: gitDir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: process.platform === 'win32' ? 'NUL' : '/dev/null',
  };
}

function settingVariables(settings: GitSettings, first: number): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { GIT_CONFIG_COUNT: String(first + settings.length) };
  for (const [index, [key, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${first + index}`] = key;
    env[`GIT_CONFIG_VALUE_${first + index}`] = value;
  }
  return env;
}

function unattended(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // For `git config` alone it stands for all files; no other command reads it.
  delete env['GIT_CONFIG'];
  env['GIT_TERMINAL_PROMPT'] = '0';
  env['GCM_INTERACTIVE'] ??= 'never';
  // A program that answers for the user (a deploy key's passphrase in CI) is no prompt.
  if (env['SSH_ASKPASS'] === undefined) env['SSH_ASKPASS_REQUIRE'] ??= 'never';
  // Failures are distinguished by their words. LC_ALL outranks LANG, and LANGUAGE is for translations only.
  env['LC_ALL'] = 'C';
  delete env['LANGUAGE'];
  return env;
}
