/**
 * Variables of git that only say how a remote is reached, who vouches for it, and where traces go. Every other
 * GIT_* could point our git at the user's repository, index or hooks (inside a hook several are set).
 */
const KEPT =
  /^GIT_(?:TRACE\w*|SSH(?:_COMMAND|_VARIANT)?|ASKPASS|SSL_\w+|HTTP_\w+|PROXY_\w+|CURL_\w+|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH|TEST_\w+)$/;

/** The environment of the git processes that work in the private store. */
export function gitEnvironment(base: NodeJS.ProcessEnv, store: string | undefined): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(base)) {
    if (!name.startsWith('GIT_') || KEPT.test(name)) env[name] = value;
  }
  env['GIT_TERMINAL_PROMPT'] = '0';
  // Messages are read by this program; LC_ALL outranks LANG and LANGUAGE is for translations only.
  env['LC_ALL'] = 'C';
  delete env['LANGUAGE'];
  // In the environment instead of an argument, so that every descendant can be recognized by it.
  if (store !== undefined) env['GIT_DIR'] = store;
  return env;
}
