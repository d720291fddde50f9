import { withoutCredentials } from '../../core/credentials.js';
import { replaceUnsafe } from '../../core/escape.js';

/**
 * Why a git command failed.
 * `denied`: the remote knows us and says no, or there are no credentials. `untrusted`: we do not know the remote (host key,
 * certificate). `missing`: there is no such repository. `no-ref`: it has no such branch or commit. `unreached`: no answer.
 * `interrupted`: an answer that broke off, or a server that is busy. `local`: this machine is in the way (disk, files, the
 * settings of ssh). `unsupported`: this git, or that server, cannot do it.
 */
export type GitFailureKind =
  | 'denied'
  | 'untrusted'
  | 'missing'
  | 'no-ref'
  | 'unreached'
  | 'interrupted'
  | 'local'
  | 'unsupported'
  | 'other';

export interface GitFailure {
  readonly kind: GitFailureKind;
  /** Why, for a message: one line without prefixes, credentials and control characters. */
  readonly reason: string;
}

/**
 * One line each, of git, ssh or curl, the first that matches counts. A server's banner is text like any other: a refusal
 * is only what has the form of one.
 */
const FORMS: readonly (readonly [GitFailureKind, RegExp])[] = [
  [
    'missing',
    /does not appear to be a git repository|repository not exported|^(?:fatal|error|remote|ERROR|ssh|git).*\bnot found\b|returned error: (?:400|404|405|410|451)\b|HTTP\/?[\d.]* (?:404|410)\b|^fatal: .*does not exist/i,
  ],
  [
    'denied',
    /returned error: 40[13]\b|\bHTTP\/?[\d.]* 40[13]\b|^fatal: (?:Authentication failed|could not read (?:Username|Password))|terminal prompts disabled/i,
  ],
  [
    'denied',
    /Permission denied \([\w,-]+\)\.?$|^(?:fatal|error|warning|remote: (?:fatal|error)): .*Permission denied|insufficient permission for adding an object|unable to create temporary object/i,
  ],
  ['denied', /detected dubious ownership|unsafe repository/],
  [
    'untrusted',
    /Host key verification failed|SSL certificate problem|certificate verif(?:y|ication) failed|server certificate/i,
  ],
  ['no-ref', /couldn't find remote ref|Could not find remote branch|not our ref|unadvertised object/i],
  [
    'unsupported',
    /transport '.*' not allowed|protocol '.*' is not supported|Unable to find remote helper|mismatched algorithms|dumb http transport does not support|unknown option|^usage: git/i,
  ],
  [
    'unreached',
    /unable to (?:connect|look up)|could not resolve|failed to connect|connect to host|Connection (?:refused|reset|timed out|closed)|No route to host|Network is unreachable|timed out/i,
  ],
  [
    'local',
    /No space left on device|Disk quota exceeded|Read-only file system|Too many open files|unable to create (?:file|directory)|could not create (?:work tree|leading directories)|Bad owner or permissions on|Bad configuration option|bad configuration options/i,
  ],
  [
    'interrupted',
    /returned error: (?:408|425|429|5\d\d)\b|HTTP\/?[\d.]* (?:408|429|5\d\d)\b|early EOF|RPC failed|hung up unexpectedly|unexpected disconnect|invalid index-pack output|bytes of body are still expected|Operation too slow|SSL_read|SSL_ERROR_SYSCALL|TLS packet|HTTP\/2 stream|Broken pipe/i,
  ],
];

/** The remote, or a hook of it, wrote this; not git. */
const SERVER_LINE =
  /^(?:remote: |ERROR: |FATAL: |fatal: remote error: |conq: |GitLab: |Gitea: |\[(?:remote )?rejected\])/;
/** Words of a refusal in what a server says; as part of a host's or a path's name they are none. */
const REFUSAL =
  /(?<![\w./:-])(?:40[13]|permission (?:to \S+ )?denied|access denied|denied (?:to|for|by)|authentication failed|declined|protected|not allowed|prohibited|read-only|unauthori[sz]ed|not authori[sz]ed|service not enabled|deny(?:ing)?)(?![\w/-]|\.\w)/i;

/** What never says why, and follows what does. */
const NOISE =
  /^(?:fatal: (?:Could not read from remote repository|[Tt]he remote end hung up)|Please make sure you have the correct access rights|and the repository exists|error: failed to push some refs|send-pack: unexpected|hint: |warning: |Warning: Permanently added|To \S+$|Everything up-to-date|Connection to \S+ closed\.?$|remote:\s*$)/;

/** The reason where there is none. */
export const NO_REASON = 'git gave no reason';

export function gitFailure(stderr: string): GitFailure {
  const lines = linesOf(stderr);
  return { kind: kindOf(lines), reason: reasonOf(lines) };
}

/** Whether the text, a push's `[remote rejected] (...)` or a program's standard error, refuses us. */
export function isRefusal(text: string): boolean {
  return kindOf(linesOf(text)) === 'denied';
}

function kindOf(lines: readonly string[]): GitFailureKind {
  for (const [kind, form] of FORMS) {
    if (kind === 'denied' && lines.some((line) => SERVER_LINE.test(line) && REFUSAL.test(line))) return kind;
    if (lines.some((line) => form.test(line))) return kind;
  }
  return 'other';
}

function reasonOf(lines: readonly string[]): string {
  const useful = lines.filter((line) => !NOISE.test(line));
  const index = useful.findLastIndex((line) => /^(?:fatal|error|ssh): /.test(line));
  const line = useful[index] ?? useful.at(-1) ?? lines.find((other) => other.startsWith('fatal: '));
  if (line === undefined) return NO_REASON;
  // "unable to connect to HOST:", and the next line says why.
  const whole = line.endsWith(':') ? `${line} ${useful[index + 1] ?? ''}`.replace(/[: ]+$/, '') : line;
  return shown(whole.replace(/^(?:fatal|error|remote): /, '').replace(/(?<!\.)\.$/, ''));
}

/** What a server sends must not move the terminal's cursor. */
function shown(text: string): string {
  return replaceUnsafe(withoutCredentials(text), '?').slice(0, 300);
}

function linesOf(stderr: string): string[] {
  return stderr
    .split(/[\n\r]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
