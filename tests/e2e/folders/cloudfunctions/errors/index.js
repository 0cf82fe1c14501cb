// Every way in which a function fails.
class OutOfTea extends Error {
  constructor(left) {
    super(`only ${left} left`);
    this.name = 'OutOfTea';
    this.code = 'E_TEA';
  }
}

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const ways = {
  none: () => 'fine',
  throw: () => { throw new TypeError('thrown'); },
  reject: () => Promise.reject(new RangeError('rejected')),
  custom: async () => { await later(1); throw new OutOfTea(2); },
  value: () => Promise.reject('just a text'),
  object: () => Promise.reject({ message: 'not an Error', name: 'Plain' }),
  syntax: async () => JSON.parse('{"a":'),
  reference: async () => nowhere.at.all,
  chained: async () => {
    try {
      await later(1).then(() => { throw new Error('inner'); });
    } catch (err) {
      throw new Error(`outer of ${err.message}`);
    }
  },
  callback: (event, context, callback) => {
    setTimeout(() => callback(new Error('told by callback')), 1);
  },
  answered: (event, context, callback) => {
    setTimeout(() => callback(null, { by: 'callback' }), 1);
  },
  circular: () => { const o = {}; o.o = o; return o; },
  after: () => {
    setTimeout(() => { throw new Error('after the answer'); }, 20);
    return 'answered before';
  },
  timer: () => new Promise(() => {
    setTimeout(() => { throw new Error('in a timer'); }, 5);
  }),
  unhandled: () => new Promise(() => { Promise.reject(new Error('nobody waits')); }),
};

exports.main = (event, context, callback) => ways[event.how](event, context, callback);
