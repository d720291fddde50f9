import { BUILT_IN_RECIPES } from '../../../provision/built-in-recipes.js';
import type { OptionSpec } from '../../spec.js';

export const DIR: OptionSpec = {
  name: 'dir',
  value: 'DIR',
  help: 'Install directory',
  default: '{NAME}_DIR, or NAME in ~/.local/share/holdfast',
};
export const NO_WAIT: OptionSpec = { name: 'no-wait', help: 'Fail at once when another install is going on' };
export const TIMEOUT: OptionSpec = {
  name: 'timeout',
  aliases: ['wait', 'lock-timeout'],
  value: 'DUR',
  kind: 'duration',
  help: 'Fail after waiting this long for another install',
  default: '10m',
};
export const RECIPES = {
  name: 'RECIPE',
  help: 'A name that "holdfast setup list" shows, or a recipe file (JSON, TypeScript)',
  isRepeatable: true,
  suggestions: BUILT_IN_RECIPES.map(({ name }) => name),
} as const;
