'use strict';
const { brew } = require('./lib/brew');
const { name } = require('./package.json');

let calls = 0;
let ticks = 0;

const kinds = {
  brew: (event) => ({ name, said: brew(event.leaf) }),
  count: () => { calls += 1; return calls; },
  throw: () => brew(),
  reject: async () => {
    await null;
    throw Object.assign(new RangeError('too hot'), { code: 'HOT' });
  },
  // Ends its worker while other calls wait behind it.
  end: () => new Promise(() => { setTimeout(() => { throw new Error('nobody caught this'); }, 30); }),
  loop: () => { for (;;); },
  hog: () => { for (const all = []; ;) all.push(new Array(1e5).fill(all.length)); },
  log: () => { console.log('one', { two: 2 }); console.error('three'); return 'said'; },
  // Answers at once; its timer fires while the worker is at rest.
  leave: () => { setTimeout(() => { ticks += 1; }, 20); return ticks; },
  ticks: () => ticks,
  away: async () => {
    try {
      await fetch('https://api.example.com/');
      return 'reached';
    } catch (err) {
      return `${err.message} ${err.cause ? err.cause.message : ''}`;
    }
  },
  text: (event) => event,
  big: (event) => 'x'.repeat(event.size),
};

exports.main = (event, context) => kinds[event.do](event, context);
