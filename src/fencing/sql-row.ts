import { checkOptions, either, LIST, OBJECT, TEXT, type OptionRule } from '../core/check-options.js';
import type { FencedStore } from './fenced-update.js';

/** As much of a `pg` client or pool as an update needs. */
export interface SqlClient {
  /**
   * Runs one statement with parameters.
   *
   * @throws what the client throws.
   */
  query(text: string, values: readonly unknown[]): Promise<{ readonly rowCount: number | null }>;
}

/** Where the row is. */
export interface SqlRowOptions {
  /** `name`, or `schema` and `name`. Quoted, so that upper and lower case count. */
  readonly table: string | readonly [schema: string, name: string];
  /** The columns that name the row, with their values. */
  readonly key: Readonly<Record<string, unknown>>;
  /** A `bigint NOT NULL DEFAULT 0` column of the row. Default `fence`. */
  readonly fenceColumn?: string;
}

const SQL_ROW_OPTIONS = {
  table: either(TEXT, LIST),
  key: OBJECT,
  fenceColumn: TEXT,
} satisfies Record<keyof SqlRowOptions, OptionRule>;

/**
 * A row of a Postgres table with a column for the token of its last writer: `UPDATE t SET a = $1, fence = $2 WHERE
 * id = $3 AND fence <= $2`. The database locks the row, compares and writes in one statement. Must not run inside
 * a transaction that read the row before, unless that is READ COMMITTED. Never throws; its writes do.
 */
export function sqlRow(
  client: SqlClient,
  options: SqlRowOptions,
): FencedStore<Readonly<Record<string, unknown>>> {
  checkOptions(options, SQL_ROW_OPTIONS);
  const { table, key, fenceColumn = 'fence' } = options;
  const target = (typeof table === 'string' ? [table] : table).map(quoted).join('.');
  const keys = Object.entries(key);
  if (keys.length === 0) throw new TypeError('key must name at least one column.');
  return {
    name: `${target} ${keys.map(([column]) => column).join(', ')}`,
    async write(token, change) {
      const values: unknown[] = [token.toString()];
      const bind = (value: unknown): string => `$${values.push(value)}`;
      const sets = Object.entries(change).map(([column, value]) => `${quoted(column)} = ${bind(value)}`);
      const row = keys.map(([column, value]) => `${quoted(column)} = ${bind(value)}`).join(' AND ');
      const fence = quoted(fenceColumn);
      const update = `UPDATE ${target} SET ${[...sets, `${fence} = $1`].join(', ')} WHERE ${row} AND ${fence} <= $1`;
      if (((await client.query(update, values)).rowCount ?? 0) > 0) return 'written';
      const look = `SELECT 1 FROM ${target} WHERE ${keys.map(([column], index) => `${quoted(column)} = $${index + 1}`).join(' AND ')}`;
      const { rowCount } = await client.query(look, Object.values(key));
      return (rowCount ?? 0) > 0 ? 'stale' : 'missing';
    },
  };
}

/** Identifiers take no parameters; a doubled quote cannot end one. */
function quoted(identifier: string): string {
  if (identifier === '' || identifier.includes('\0'))
    throw new TypeError('Not the name of a table or column.');
  return `"${identifier.replaceAll('"', '""')}"`;
}
