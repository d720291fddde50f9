import { escapeText } from '../../core/escape.js';

/** Breaks at spaces; `indent` goes before every line. A word longer than the line stays whole. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(indent + line);
  return lines;
}

/** At most `width` columns, an ellipsis for what is cut. Escaped first, so that the columns are those that are shown. */
export function fit(text: string, width: number): string {
  const plain = escapeText(text);
  if (columnsOf(plain) <= width) return plain;
  let shown = '';
  let used = 1;
  for (const character of plain) {
    used += columnsOf(character);
    if (used > width) break;
    shown += character;
  }
  return width > 0 ? `${shown}…` : '';
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)));
}

/** Nothing wide below U+1100, and most text is there. */
const MAY_BE_WIDE = /[^\u0020-\u02ff]/;
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u;

/** Columns on a terminal: East Asian wide characters and emoji take two, combining marks none. */
export function columnsOf(text: string): number {
  if (!MAY_BE_WIDE.test(text)) return text.length;
  let columns = 0;
  for (const character of text)
    columns += /^[\p{Mn}\p{Me}\p{Cf}]/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}
