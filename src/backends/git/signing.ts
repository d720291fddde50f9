import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LockError } from '../../core/errors.js';
import { homeDirectory } from '../../platform/user-directories.js';
import { execFile } from '../../process/exec.js';
import { lastValue, type GitConfigEntry } from './configuration.js';

/** `off`: nothing is signed or checked. `audit`: signed, checked and reported. `enforce`: what is not signed by its agent counts as broken. */
export type SigningMode = 'off' | 'audit' | 'enforce';
/**
 * Whether a record is signed: not checked, without a signature, signed by a trusted key, or with a signature that
 * failed.
 */
export type SignatureState = 'unchecked' | 'none' | 'good' | 'bad';

/** How records are signed and whose signatures count. */
export interface SigningOptions {
  /** What is required of records. Default `off`. */
  readonly mode?: SigningMode;
  /** Private key, or public key whose private half the ssh agent has. Default git's `user.signingKey`. */
  readonly keyFile?: string;
  /** See ALLOWED SIGNERS in ssh-keygen(1); principals are agents. Default git's `gpg.ssh.allowedSignersFile`. */
  readonly allowedSignersFile?: string;
}

export interface Signing {
  readonly mode: SigningMode;
  /** An armored signature over a commit's text; undefined when nothing is signed here. */
  sign(payload: string): Promise<string | undefined>;
  check(payload: string, signature: string | undefined, agent: string): Promise<SignatureState>;
}

const PATIENCE_MS = 10_000;
/** The namespace that git uses, so that `git verify-commit` agrees. */
const NAMESPACE = 'git';

/** Signing as the options, else git's configuration (`holdfast.signing`) ask for it. */
export function signingOf(options: SigningOptions, entries: readonly GitConfigEntry[]): Signing {
  const mode = options.mode ?? lastValue(entries, 'holdfast.signing') ?? 'off';
  if (mode !== 'off' && mode !== 'audit' && mode !== 'enforce') {
    throw misconfigured(`holdfast.signing is "${mode}"`, 'Set it to off, audit or enforce');
  }
  const keyFile = options.keyFile ?? expanded(lastValue(entries, 'user.signingkey'));
  const signers = options.allowedSignersFile ?? expanded(lastValue(entries, 'gpg.ssh.allowedsignersfile'));
  if (mode === 'off')
    return { mode, sign: () => Promise.resolve(undefined), check: () => Promise.resolve('unchecked') };
  if (signers === undefined) {
    throw misconfigured('no file of allowed signers is named', 'Set gpg.ssh.allowedSignersFile');
  }
  if (mode === 'enforce' && keyFile === undefined)
    throw misconfigured('no key is named', 'Set user.signingKey');
  return {
    mode,
    sign: (payload) => (keyFile === undefined ? Promise.resolve(undefined) : sign(keyFile, payload)),
    check: (payload, signature, agent) =>
      signature === undefined ? Promise.resolve('none') : check(signers, payload, signature, agent),
  };
}

async function sign(keyFile: string, payload: string): Promise<string> {
  const result = await execFile('ssh-keygen', ['-q', '-Y', 'sign', '-n', NAMESPACE, '-f', keyFile], {
    input: payload,
    timeoutMs: PATIENCE_MS,
  });
  if (result.code === 0 && result.stdout.startsWith('-----BEGIN SSH SIGNATURE-----')) return result.stdout;
  throw misconfigured(
    `ssh-keygen did not sign with "${keyFile}" (${result.stderr.trim().split('\n')[0] ?? ''})`,
    'Check user.signingKey',
  );
}

async function check(
  signers: string,
  payload: string,
  signature: string,
  agent: string,
): Promise<SignatureState> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-sign-'));
  try {
    const file = join(directory, 'signature');
    writeFileSync(file, signature.endsWith('\n') ? signature : `${signature}\n`, { mode: 0o600 });
    const args = ['-q', '-Y', 'verify', '-n', NAMESPACE, '-f', signers, '-I', agent, '-s', file];
    const result = await execFile('ssh-keygen', args, { input: payload, timeoutMs: PATIENCE_MS });
    return result.code === 0 ? 'good' : 'bad';
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function expanded(path: string | undefined): string | undefined {
  const home = path?.startsWith('~/') === true ? homeDirectory() : undefined;
  return path === undefined || home === undefined ? path : join(home, path.slice(2));
}

function misconfigured(fact: string, nextStep: string): LockError {
  return new LockError(`Could not sign claims: ${fact}. ${nextStep} with git config.`, {
    code: 'HOLDFAST_CONFIG_MISMATCH',
  });
}
