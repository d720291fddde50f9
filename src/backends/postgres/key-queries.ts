import type { Row } from './client.js';

export interface Query {
  readonly text: string;
  /** A function is called when the statement is sent, after the answer to the one before it. */
  readonly values?: readonly unknown[] | (() => readonly unknown[]);
  /** Infinity for a statement that waits in the server. */
  readonly budgetMs: number;
  /** Before the next statement is sent. `isLate`: the caller has been given an error meanwhile. */
  readonly onAnswer?: (rows: readonly Row[], isLate: boolean) => void;
  /** The server answered with an error. */
  readonly onError?: (error: unknown) => void;
}

/** A statement that others of its kind may share: what is asked for while one is under way goes together in the next. */
export interface KeyQuery {
  readonly one: string;
  readonly all: string;
  readonly key: string;
  readonly budgetMs: number;
  /** As {@link Query.onAnswer}, with the row of this key; `error`: the statement failed. */
  readonly onAnswer: (row: Row | undefined, isLate: boolean, error?: unknown) => void;
}

/** The server is busy for some milliseconds with this many. */
const KEYS_AT_ONCE = 500;

interface AskedKey extends KeyQuery {
  readonly resolve: (row: Row | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Statements about single keys, sent together where there are many. */
export class KeyQueries {
  readonly #query: (query: Query) => Promise<readonly Row[]>;
  /** By statement: what waits for the one under way. */
  readonly #together = new Map<string, AskedKey[]>();

  constructor(query: (query: Query) => Promise<readonly Row[]>) {
    this.#query = query;
  }

  /** The row of `key`, undefined without one. */
  ask(query: KeyQuery): Promise<Row | undefined> {
    return new Promise((resolve, reject) => {
      const asked = { ...query, resolve, reject };
      const together = this.#together.get(query.all);
      if (together !== undefined) return void together.push(asked);
      this.#together.set(query.all, []);
      void this.#askKeys([asked]);
    });
  }

  async #askKeys(asked: readonly AskedKey[]): Promise<void> {
    const [first] = asked as [AskedKey];
    const isOne = asked.length === 1;
    const settle = (isLate: boolean, rows: readonly Row[] = [], error?: unknown): void => {
      const rowOf = new Map(rows.map((row) => [row['key'], row]));
      for (const { key, onAnswer } of asked) onAnswer(isOne ? rows[0] : rowOf.get(key), isLate, error);
    };
    try {
      const rows = await this.#query({
        text: isOne ? first.one : first.all,
        values: isOne ? [first.key] : [asked.map(({ key }) => key)],
        budgetMs: Math.min(...asked.map(({ budgetMs }) => budgetMs)),
        onAnswer: (answer, isLate) => settle(isLate, answer),
        onError: (error) => settle(false, [], error),
      });
      const rowOf = new Map(rows.map((row) => [row['key'], row]));
      for (const { key, resolve } of asked) resolve(isOne ? rows[0] : rowOf.get(key));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
    const next = this.#together.get(first.all) ?? [];
    if (next.length === 0) this.#together.delete(first.all);
    else {
      this.#together.set(first.all, []);
      for (let from = 0; from < next.length; from += KEYS_AT_ONCE) {
        void this.#askKeys(next.slice(from, from + KEYS_AT_ONCE));
      }
    }
  }
}
