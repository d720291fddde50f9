import { escapeText } from '../core/escape.js';
import { printPayload } from './output.js';
import { hasColor, styled, type Style } from './render/style.js';

/** Part of a line that is shown in a style where a person looks, and plain elsewhere. */
export interface Styled {
  readonly style: Style;
  readonly text: string;
}

export type Line = string | { readonly parts: readonly (string | Styled)[] };

/** Lines for people on stdout. A line end within a line is escaped like any other control character. */
export function print(...lines: readonly Line[]): void {
  const isColored = hasColor(process.stdout);
  const shown = lines.map((line) =>
    typeof line === 'string'
      ? escapeText(line)
      : line.parts
          .map((part) =>
            typeof part === 'string'
              ? escapeText(part)
              : styled(isColored, part.style, escapeText(part.text)),
          )
          .join(''),
  );
  if (shown.length > 0) printPayload(`${shown.join('\n')}\n`);
}
