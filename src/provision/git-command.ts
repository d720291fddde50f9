import { formatDuration } from '../core/duration.js';
import { isLockError } from '../core/errors.js';
import { gitEnvironmentElsewhere, type GitSettings } from '../process/git/environment.js';
import { gitFailure, type GitFailureKind } from '../process/git/failure.js';
import { runGit as execGit } from '../process/git/run-git.js';
import { withoutCredentials } from '../core/credentials.js';
import { installError } from './errors.js';
import type { FetchContext } from './fetch-context.js';
import type { AttemptOutcome } from './retry.js';

/** A stalled transfer is given up long before the attempt's own end. */
const STALL_SECONDS = 60;
const MAX_OUTPUT_BYTES = 256 * 1024;

/** What a second attempt may cure. All else is about the address, the ref, the rights, this machine, or not known to pass. */
const TRANSIENT: ReadonlySet<GitFailureKind> = new Set(['unreached', 'interrupted']);

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
    const result = await execGit(args, {
      // Empty: not the program of core.askPass either, which would open a window while the lock is held.
      env: { ...gitEnvironmentElsewhere(context.env, settingsFor(source.git)), GIT_ASKPASS: '' },
      timeoutMs: attemptTimeoutMs,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      onStderrLine: (line) => reporter.output(line),
      clock,
      signal,
      cwd,
    });
    if (result.isTimedOut) {
      return { kind: 'transient', reason: `it did not end within ${formatDuration(attemptTimeoutMs)}` };
    }
    if (result.code === 0) return { kind: 'done', value: result.stdout };
    const reason = describeFailure(result.stderr, source.git, result.code, result.signal);
    const mayPass = result.signal !== null || TRANSIENT.has(gitFailure(result.stderr).kind);
    return { kind: mayPass ? 'transient' : 'permanent', reason };
  } catch (error) {
    if (!isLockError(error) || error.code !== 'HOLDFAST_BACKEND_UNAVAILABLE') throw error;
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

function settingsFor(url: string): GitSettings {
  const settings: [string, string][] = [
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', String(STALL_SECONDS)],
    ['advice.detachedHead', 'false'],
  ];
  // Since CVE-2022-39253 git refuses submodules by path. A superproject that is taken from this very disk may have them.
  if (isLocal(url)) settings.push(['protocol.file.allow', 'always']);
  return settings;
}

/** A path or file: URL. `host:path` and every other scheme is elsewhere. */
function isLocal(url: string): boolean {
  return url.startsWith('file://') || /^(?:[./~]|[A-Za-z]:[\\/])/.test(url) || !url.includes(':');
}
