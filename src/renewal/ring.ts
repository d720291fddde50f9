/** Bytes of orders that can be on their way. A worker that is this far behind gets its orders as messages again. */
const CAPACITY_BYTES = 1 << 18;
const HEADER_BYTES = 16;
const WRITTEN = 0;
const READ = 1;
const IS_POLLED = 2;
/** In place of a length: the rest is empty, the next order is at the start. */
const WRAPPED = -1;

/**
 * Orders from an owner to its worker through shared memory: a message between threads costs its sender as much as a
 * round trip to an engine on the same host, and most holds are over before they matter to the worker. Once an order is
 * written here the worker will read it, whatever the owner's loop does. One writer, one reader.
 */
export class OrderRing {
  readonly memory: SharedArrayBuffer;
  readonly #header: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Buffer;

  constructor(memory = new SharedArrayBuffer(HEADER_BYTES + CAPACITY_BYTES)) {
    this.memory = memory;
    this.#header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#words = new Int32Array(memory, HEADER_BYTES);
    this.#bytes = Buffer.from(memory, HEADER_BYTES);
  }

  /** False when there is no room. */
  tryWrite(order: string): boolean {
    const length = Buffer.byteLength(order);
    const size = 4 + Math.ceil(length / 4) * 4;
    const written = Atomics.load(this.#header, WRITTEN);
    const at = this.#placeFor(size, written);
    if (at === undefined) return false;
    if (at !== written && written < CAPACITY_BYTES) this.#words[written / 4] = WRAPPED;
    this.#words[at / 4] = length;
    this.#bytes.write(order, at + 4);
    // Last: what is before it is complete.
    Atomics.store(this.#header, WRITTEN, at + size);
    return true;
  }

  /** All orders there are now, in order. */
  readAll(): string[] {
    const orders: string[] = [];
    const written = Atomics.load(this.#header, WRITTEN);
    let read = Atomics.load(this.#header, READ);
    while (read !== written) {
      const length = read < CAPACITY_BYTES ? (this.#words[read / 4] as number) : WRAPPED;
      if (length === WRAPPED) {
        read = 0;
        continue;
      }
      // A copy: the decoder refuses memory that another thread may change.
      orders.push(this.#bytes.toString('utf8', read + 4, read + 4 + length));
      read += 4 + Math.ceil(length / 4) * 4;
    }
    Atomics.store(this.#header, READ, read);
    return orders;
  }

  /** Whether the reader looks by itself now and then. The reader clears it, looks once more, and stops looking. */
  get isPolled(): boolean {
    return Atomics.load(this.#header, IS_POLLED) === 1;
  }
  set isPolled(value: boolean) {
    Atomics.store(this.#header, IS_POLLED, value ? 1 : 0);
  }

  /** The ring is empty when both are equal, so the writer never catches up with the reader. */
  #placeFor(size: number, written: number): number | undefined {
    const read = Atomics.load(this.#header, READ);
    if (written >= read) {
      if (written + size <= CAPACITY_BYTES) return written;
      return size < read ? 0 : undefined;
    }
    return written + size < read ? written : undefined;
  }
}
