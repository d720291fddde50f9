/** When this process first saw what has no time of its own. What is no longer seen is forgotten after a look. */
export class ShownSince {
  #known = new Map<string, number>();
  #next = new Map<string, number>();
  #nowMs = 0;

  begin(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#next = new Map();
  }

  /** Wall clock. */
  of(name: string): number {
    const at = this.#known.get(name) ?? this.#nowMs;
    this.#next.set(name, at);
    return at;
  }

  end(): void {
    this.#known = this.#next;
  }
}
