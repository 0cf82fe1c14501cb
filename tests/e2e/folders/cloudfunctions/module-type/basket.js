export default class Basket {
  #items = new Map();

  async* take(items) {
    for (const item of items) {
      await null;
      yield item;
    }
  }

  add({ id, price, n = 1 }) {
    const before = this.#items.get(id)?.n ?? 0;
    this.#items.set(id, { price, n: before + n });
  }

  get total() {
    return [...this.#items.values()].reduce((sum, i) => sum + i.price * i.n, 0);
  }

  report() {
    return { total: this.total, items: Object.fromEntries(this.#items) };
  }
}
