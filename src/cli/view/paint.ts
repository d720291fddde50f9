import { hasColor } from '../render/style.js';
import { isStdoutTerminal } from '../terminal.js';
import type { LineStyle, ViewLine } from './top-view.js';

const CODES: Readonly<Record<LineStyle, string>> = {
  plain: '',
  title: '\u001b[1m',
  red: '\u001b[31m',
  yellow: '\u001b[33m',
  selected: '\u001b[7m',
  'selected-red': '\u001b[7;31m',
  dim: '\u001b[2m',
};

/** NO_COLOR: the mark before the selected line and the words in a cycle say the same. */
export function hasStyle(): boolean {
  return hasColor({ isTTY: isStdoutTerminal() });
}

/** A line as it goes to the terminal; its text was escaped when it was made. */
export function paintable({ text, style }: ViewLine, isStyled: boolean): string {
  const code = isStyled ? CODES[style] : '';
  return code === '' ? text : `${code}${text}\u001b[0m`;
}
