// The trials that somebody has picked out, in whatever plot or table.

export class Selection extends EventTarget {
  #numbers = new Set();

  get size() { return this.#numbers.size; }
  get numbers() { return [...this.#numbers].sort((a, b) => a - b); }
  has(number) { return this.#numbers.has(number); }

  /** Pick out exactly these. */
  set(numbers) {
    const next = new Set(numbers);
    if (next.size === this.#numbers.size && [...next].every((one) => this.#numbers.has(one))) return;
    this.#numbers = next;
    this.dispatchEvent(new Event("change"));
  }

  toggle(number) {
    const next = new Set(this.#numbers);
    if (!next.delete(number)) next.add(number);
    this.set(next);
  }

  clear() { this.set([]); }
}
