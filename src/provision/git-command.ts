import { errnoOf, systemError } from '../core/system-error.js';
import { execFile } from '../process/exec.js';
import { formatDuration } from '../core/duration.js';
import { withoutCredentials } from '../core/credentials.js';
import { installError } from './errors.js';
import type { FetchContext } from './fetch-context.js';
import type { AttemptOutcome } from './retry.js';

/** A stalled transfer is given up long before the attempt's own end. */
const STALL_SECONDS = 60;
const MAX_OUTPUT_BYTES = 256 * 1024;

/** Variables by which a git that started us (a hook, an alias) would redirect ours to its own repository. */
const REPOSITORY_VARIABLES = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
  'GIT_SHALLOW_FILE',
];

/** What no second attempt can cure: the answer is about the address, the ref, the rights or this machine. */
const PERMANENT = [
  /not found/i,
  /returned error: (?:400|401|403|404|405|410|451)\b/,
  /HTTP\/?[\d.]* (?:401|403|404|410)\b/,
  /Authentication failed/i,
  /could not read (?:Username|Password)/i,
  /terminal prompts disabled/,
  /Permission denied/i,
  /access denied or repository not exported/,
  /Host key verification failed/,
  /SSL certificate problem|server certificate verification failed/i,
  /does not appear to be a git repository/,
  /does not exist/,
  /couldn't find remote ref|Could not find remote branch/i,
  /not our ref|unadvertised object/,
  /transport '.*' not allowed|protocol '.*' is not supported|Unable to find remote helper/,
  /No space left on device|Disk quota exceeded|Read-only file system|Too many open files/i,
  /unable to create (?:file|directory)|could not create (?:work tree|leading directories)/i,
  /unknown option|^usage: git/m,
];

/**
 * Runs git once, without a terminal to ask on. The outcome's value is its stdout.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED when there is no git; the signal's reason after an abort.
 */
export async function runGit(
  args: readonly string[],
  source: { readonly git: string },
  context: FetchContext,
  cwd?: string,
): Promise<AttemptOutcome<string>> {
  const { clock, signal, attemptTimeoutMs, recipeName, reporter } = context;
  try {
    const result = await execFile('git', args, {
      env: gitEnvironment(context.env, source.git),
      timeoutMs: attemptTimeoutMs,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      onStderrLine: (line) => reporter.output(line),
      clock,
      ...(signal && { signal }),
      ...(cwd !== undefined && { cwd }),
    });
    if (result.isTimedOut) {
      return { kind: 'transient', reason: `it did not end within ${formatDuration(attemptTimeoutMs)}` };
    }
    if (result.code === 0) return { kind: 'done', value: result.stdout };
    const reason = describeFailure(result.stderr, source.git, result.code, result.signal);
    return {
      kind: PERMANENT.some((pattern) => pattern.test(result.stderr)) ? 'permanent' : 'transient',
      reason,
    };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (errno !== 'ENOENT') throw systemError('run', 'git', errno, error);
    throw installError(
      'HOLDFAST_UNSUPPORTED',
      recipeName,
      'it needs git, which is not on the PATH',
      'Install git',
      error,
    );
  }
}

/** git's own words, from the first `fatal:` or `error:` on, in one line. */
function describeFailure(stderr: string, url: string, code: number | null, signal: string | null): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const first = lines.findIndex((line) => /^(?:fatal|error|remote|ERROR|ssh):/.test(line));
  const words = lines
    .slice(first === -1 ? -3 : first)
    .slice(0, 4)
    .join(' / ');
  const ending = signal === null ? `git exited with ${code}` : `git was ended by ${signal}`;
  return words === ''
    ? ending
    : `${withoutCredentials(words.replaceAll(url, withoutCredentials(url))).replace(/\.$/, '')} (${ending})`;
}

function gitEnvironment(base: NodeJS.ProcessEnv, url: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...base };
  for (const name of REPOSITORY_VARIABLES) delete env[name];
  const settings: [string, string][] = [
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', String(STALL_SECONDS)],
    ['advice.detachedHead', 'false'],
  ];
  // Since CVE-2022-39253 git refuses submodules by path. Who takes the superproject from this very disk may have them.
  if (isLocal(url)) settings.push(['protocol.file.allow', 'always']);
  let count = Number(env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  for (const [key, value] of settings) {
    env[`GIT_CONFIG_KEY_${count}`] = key;
    env[`GIT_CONFIG_VALUE_${count}`] = value;
    count++;
  }
  return {
    ...env,
    GIT_CONFIG_COUNT: String(count),
    GIT_TERMINAL_PROMPT: '0',
    GCM_INTERACTIVE: 'never',
    SSH_ASKPASS_REQUIRE: 'never',
    // The failures are told apart by their words.
    LC_ALL: 'C',
  };
}

/** A path or file: URL. `host:path` and every other scheme is elsewhere. */
function isLocal(url: string): boolean {
  return url.startsWith('file://') || /^(?:[./~]|[A-Za-z]:[\\/])/.test(url) || !url.includes(':');
}
