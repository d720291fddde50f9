import { Timeout } from '../core/timeout.js';
import { workingDirectory } from '../platform/working-directory.js';
import { CONFIG_NAME, findConfigFile } from './config-file.js';
import { durationOf } from './parse.js';
import type { ParsedArguments } from './spec.js';

export interface TimeoutRule {
  /** The option's name in the command's form. */
  readonly option: string;
  /** Where the configuration has it. */
  readonly configKey: 'lockTimeout' | 'cache' | 'setup' | 'claims';
  readonly defaultMs: number;
}

const VARIABLE = 'HOLDFAST_LOCK_TIMEOUT';

/**
 * The one order of precedence: option, HOLDFAST_LOCK_TIMEOUT, holdfast.config.json, default.
 *
 * @throws UsageError when the one that decides cannot be read.
 */
export async function resolveTimeout(
  args: ParsedArguments,
  { option, configKey, defaultMs }: TimeoutRule,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Timeout> {
  const timeoutMs = args.durationMs(option);
  if (timeoutMs !== undefined) return new Timeout(timeoutMs, nameOf(args.spelling(option) as string, option));
  const variable = env[VARIABLE];
  if (variable !== undefined && variable !== '') {
    return new Timeout(durationOf(variable, VARIABLE, args.command.name), VARIABLE);
  }
  const file = findConfigFile(workingDirectory(), env);
  if (file !== undefined) {
    // The schema library is loaded only where there is a file to check.
    const { readConfig } = await import('./config.js');
    const config = readConfig(file);
    const configured = configKey === 'lockTimeout' ? config.lockTimeout : config[configKey]?.timeout;
    if (configured !== undefined) return new Timeout(configured, CONFIG_NAME);
  }
  return new Timeout(defaultMs, 'default');
}

/** A short option says little in a log: `-w` is named `--wait`. Other spellings stay what the user knows them by. */
function nameOf(spelling: string, option: string): string {
  return spelling.startsWith('--') ? spelling : `--${option}`;
}
