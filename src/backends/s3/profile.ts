import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { homeDirectory } from '../../platform/user-directories.js';

/** The files that the AWS command line keeps, as far as they hold plain values. */

export function isAwsHost(hostname: string): boolean {
  return /(?:^|\.)amazonaws\.com(?:\.cn)?$/i.test(hostname);
}

/** A setting of a profile in `~/.aws/config`. */
export function sharedSetting(
  profile: string | undefined,
  name: string,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const section = profile === undefined || profile === 'default' ? 'default' : `profile ${profile}`;
  return readSection(fileOf('config', 'AWS_CONFIG_FILE', env), section)?.[name];
}

/** The section of a profile in `~/.aws/credentials`. */
export function sharedCredentials(
  profile: string | undefined,
  env: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> | undefined {
  return readSection(fileOf('credentials', 'AWS_SHARED_CREDENTIALS_FILE', env), profile ?? 'default');
}

function fileOf(name: string, variable: string, env: NodeJS.ProcessEnv): string | undefined {
  const named = env[variable];
  if (named !== undefined && named !== '') return named;
  const home = homeDirectory(env);
  return home === undefined ? undefined : join(home, '.aws', name);
}

function readSection(path: string | undefined, section: string): Record<string, string> | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  let found: Record<string, string> | undefined;
  let isIn = false;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      isIn = header === section;
      if (isIn) found ??= {};
      continue;
    }
    const [, name, value] = /^([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (isIn && found !== undefined && name !== undefined && value !== undefined) found[name] = value;
  }
  return found;
}
