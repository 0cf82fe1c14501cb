// Compiled with tsc 5.6 (target es2019, commonjs, sourceMap); dist/ is deployed.
import { Order, total } from './orders';

interface Event {
  orders?: Order[];
  bad?: boolean;
}

enum State { Open = 'open', Paid = 'paid' }

export class Ledger {
  private readonly entries: Order[] = [];

  add(order: Order): this {
    if (order.price < 0)
      throw new RangeError(`order ${order.id} costs ${order.price}`);
    this.entries.push(order);
    return this;
  }

  get report(): { total: number; state: State } {
    return { total: total(this.entries), state: this.entries.length ? State.Paid : State.Open };
  }
}

export const main = async (event: Event): Promise<unknown> => {
  const ledger = new Ledger();
  for (const order of event.orders ?? []) ledger.add(order);
  if (event.bad) ledger.add({ id: 'bad', price: -1 });
  return ledger.report;
};
