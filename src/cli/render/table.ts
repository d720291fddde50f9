import { escapeText } from '../../core/escape.js';
import type { Line } from '../print.js';
import { columnsOf, fit, padEnd } from './text.js';

export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly isNumeric?: boolean;
  /** Gives way when the rows are too wide; one column at most. */
  readonly isElastic?: boolean;
}

const GAP = 2;
const NARROWEST = 8;

/**
 * Aligned columns. `width` is that of the terminal, Infinity for a pipe, where nothing is cut; columns in which
 * no row has anything are left out.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): Line[] {
  const shown = columns
    .map((column, index) => ({ ...column, cells: rows.map((row) => escapeText(row[index] ?? '')) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  const widths = shown.map(({ title, cells }) => Math.max(title.length, ...cells.map(columnsOf)));
  const total = widths.reduce((sum, one) => sum + one, 0) + GAP * (shown.length - 1);
  const elastic = shown.findIndex(({ isElastic }) => isElastic === true);
  if (total > width && elastic >= 0) {
    widths[elastic] = Math.max(NARROWEST, (widths[elastic] as number) - (total - width));
  }
  const line = (cellOf: (index: number) => string): string =>
    shown
      .map(({ isNumeric }, index) => {
        const columnWidth = widths[index] as number;
        const cell = fit(cellOf(index), columnWidth);
        if (isNumeric === true) return ' '.repeat(columnWidth - columnsOf(cell)) + cell;
        return padEnd(cell, columnWidth);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const head = line((index) => shown[index]?.title ?? '');
  const body = rows.map((_, row) => line((index) => shown[index]?.cells[row] ?? ''));
  return [{ parts: [{ style: 'bold', text: head }] }, ...body];
}
