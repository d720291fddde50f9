/**
 * What a program that we start for our own work may inherit. Everything else stays here: variables of git, of a loader, of
 * an outer make or of a prompt for passwords would lead it to another repository, library or window.
 */
const INHERITED = new Set([
  ...[
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'SHELL',
    'PWD',
    'LANG',
    'LANGUAGE',
    'TZ',
    'TERM',
    'COLORTERM',
    'NO_COLOR',
  ],
  ...['TMPDIR', 'TMP', 'TEMP', 'CI', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR'],
  // How the network is reached.
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'FTP_PROXY', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...[
    'CURL_CA_BUNDLE',
    'REQUESTS_CA_BUNDLE',
    'NODE_EXTRA_CA_CERTS',
    'SSH_AUTH_SOCK',
    'SSH_AGENT_PID',
    'KRB5CCNAME',
  ],
  // Windows.
  ...[
    'SYSTEMROOT',
    'SYSTEMDRIVE',
    'WINDIR',
    'COMSPEC',
    'PATHEXT',
    'USERPROFILE',
    'USERNAME',
    'HOMEDRIVE',
    'HOMEPATH',
  ],
  ...['APPDATA', 'LOCALAPPDATA', 'PROGRAMDATA', 'PROGRAMFILES', 'PROGRAMFILES(X86)', 'NUMBER_OF_PROCESSORS'],
  ...['PROCESSOR_ARCHITECTURE', 'VCINSTALLDIR', 'INCLUDE', 'LIB', 'LIBPATH'],
]);

/**
 * The environment of a program that works for us: the variables above, each `LC_*`, and those that `isWanted` names.
 *
 * @param base where they come from; names are compared without regard to case, as proxies and Windows have them.
 */
export function inheritedEnvironment(
  base: NodeJS.ProcessEnv,
  isWanted: (name: string) => boolean = () => false,
): NodeJS.ProcessEnv {
  const isKept = (name: string): boolean =>
    INHERITED.has(name.toUpperCase()) || name.startsWith('LC_') || isWanted(name);
  return Object.fromEntries(Object.entries(base).filter(([name]) => isKept(name)));
}

/** How git reaches a remote: its settings, and its ways to ssh. Not which repository it works on, nor whom it asks. */
export function reachesRemotes(name: string): boolean {
  return /^GIT_(?:CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|PARAMETERS|(?:KEY|VALUE)_\d+)|SSH|SSH_COMMAND|SSH_VARIANT|SSL_\w+|PROXY_\w+|HTTP_\w+|ALLOW_PROTOCOL|PROTOCOL\w*|EXEC_PATH|TRACE2?\w*)$/.test(
    name,
  );
}
