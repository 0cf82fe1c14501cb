const { EventEmitter } = require('events');
const util = require('util');

class Kitchen extends EventEmitter {
  async cook(order) {
    this.emit('begun', order);
    await new Promise((resolve) => setImmediate(resolve));
    if (order.bad) this.emit('error', new Error(`${order.id} is burnt`));
    else this.emit('ready', order.id, order.n || 1);
  }
}

exports.main = async (event) => {
  const kitchen = new Kitchen();
  const told = [];
  kitchen.on('begun', ({ id }) => told.push(`begun ${id}`));
  kitchen.once('ready', (id) => told.push(`first ${id}`));
  kitchen.prependListener('ready', (id, n) => told.push(`${n} of ${id}`));
  kitchen.on('error', (err) => told.push(err.message));
  for (const order of event.orders || []) await kitchen.cook(order);
  return {
    told,
    left: kitchen.listenerCount('ready'),
    names: kitchen.eventNames(),
    shown: util.format('%s has %d, %j', 'it', told.length, { a: 1 }),
    inspected: util.inspect({ a: [1, { b: 'c' }] }),
  };
};
