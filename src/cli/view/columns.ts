import { escapeText } from '../../core/escape.js';
import { columnsOf, fit, padEnd } from '../render/text.js';

export interface ColumnSpec {
  readonly title: string;
  /** Where there is little room. */
  readonly short: string;
  readonly isNumeric?: boolean;
  /** Gives way to the others, but not below this. */
  readonly narrowest?: number;
  /** What is more to the end of it says more: a path. */
  readonly keepsEnd?: boolean;
}

const GAP = 1;

/**
 * Rows as wide as the terminal, and the titles first. The columns come in the order of their importance; from the last on
 * they are left out until what remains has room, and so are those in which no row has anything.
 */
export function layOut(
  columns: readonly ColumnSpec[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly string[] {
  const plain = rows.map((row) => row.map(escapeText));
  const isUsed = columns.map((_, index) => index < 2 || plain.some((row) => (row[index] ?? '') !== ''));
  const contents = columns.map((_, index) => Math.max(0, ...plain.map((row) => columnsOf(row[index] ?? ''))));
  for (const isShort of [false, true]) {
    for (let count = columns.length; count > 0; count--) {
      const shown = columns.flatMap((column, index) =>
        isUsed[index] && index < count ? [{ ...column, index }] : [],
      );
      const titled = shown.map((column) => ({ ...column, title: isShort ? column.short : column.title }));
      const widths = titled.map(({ title, index }) => Math.max(title.length, contents[index] ?? 0));
      const least = titled.map(({ narrowest }, at) => Math.min(widths[at] as number, narrowest ?? Infinity));
      const needed = least.reduce((sum, one) => sum + one + GAP, -GAP);
      // With long titles only if nothing has to go for them.
      if (needed > width && (count > 1 || !isShort)) {
        if (!isShort) break;
        continue;
      }
      return lines(titled, plain, spread(widths, least, width - needed));
    }
  }
  return [];
}

/** Room that is left goes to the columns that want more, in their order, in turns. */
function spread(widths: readonly number[], least: readonly number[], room: number): number[] {
  const given = [...least];
  for (let left = room, isAnyShort = true; left > 0 && isAnyShort;) {
    isAnyShort = false;
    for (const [index, width] of widths.entries()) {
      if ((given[index] as number) >= width || left === 0) continue;
      given[index] = (given[index] as number) + 1;
      left--;
      isAnyShort = true;
    }
  }
  return given;
}

function lines(
  columns: readonly (ColumnSpec & { readonly index: number })[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
): string[] {
  const line = (cellOf: (column: ColumnSpec & { readonly index: number }) => string): string =>
    columns
      .map((column, at) => {
        const width = widths[at] as number;
        const cell = column.keepsEnd === true ? fitEnd(cellOf(column), width) : fit(cellOf(column), width);
        return column.isNumeric === true ? cell.padStart(width) : padEnd(cell, width);
      })
      .join(' '.repeat(GAP));
  return [line(({ title }) => title), ...rows.map((row) => line(({ index }) => row[index] ?? ''))];
}

/** At most `width` columns, an ellipsis for what is cut at the beginning. */
function fitEnd(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  const characters = Array.from(text);
  let shown = '';
  for (let used = 1, at = characters.length - 1; at >= 0; at--) {
    used += columnsOf(characters[at] as string);
    if (used > width) break;
    shown = characters[at] + shown;
  }
  return `…${shown}`;
}
