/**
 * The items of batches, one at a time. An async generator would do the same, but takes three turns of the microtask queue
 * for each item, which for a million short records is as long as parsing them; this takes one.
 */
export class OneByOne<T> implements AsyncGenerator<T, undefined> {
  readonly #batches: AsyncGenerator<readonly T[]>;
  #batch: readonly T[] = [];
  #next = 0;
  /** Calls that came before the next batch are answered in their order. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(batches: AsyncGenerator<readonly T[]>) {
    this.#batches = batches;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#next >= this.#batch.length || this.#waiting > 0) return this.#afterRefill();
    return Promise.resolve({ value: this.#batch[this.#next++] as T, done: false });
  }

  #afterRefill(): Promise<IteratorResult<T, undefined>> {
    this.#waiting++;
    const result = this.#last.then(() => this.#take());
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #take(): Promise<IteratorResult<T, undefined>> {
    try {
      while (this.#next >= this.#batch.length) {
        const { value, done } = await this.#batches.next();
        if (done === true) return { value: undefined, done: true };
        this.#batch = value;
        this.#next = 0;
      }
      return { value: this.#batch[this.#next++] as T, done: false };
    } finally {
      this.#waiting--;
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#batch = [];
    await this.#batches.return(undefined);
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.#batch = [];
    await this.#batches.throw(error);
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
