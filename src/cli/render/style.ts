import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/**
 * Colour only where a person looks. styleText on Node 20 ignores NO_COLOR and pipes, so it is decided here
 * (https://no-color.org: set and not empty).
 */
export function hasColor(
  stream: { readonly isTTY?: boolean },
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (isSet(env['NO_COLOR']) || env['TERM'] === 'dumb') return false;
  return isLive(stream, env);
}

/** A terminal that a person watches; the logs of a CI run are none, even on a pseudo terminal. */
export function isLive(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && (!isSet(env['CI']) || env['CI'] === 'false');
}

export function styled(isOn: boolean, style: Style, text: string): string {
  return isOn ? styleText(style, text) : text;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
