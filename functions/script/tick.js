'use strict';
// process.nextTick: after the code that runs now, before its promises go on.
//
// The engine runs the microtasks when C's call returns, so a queue that is
// emptied just before that comes first, as in Node.  Asked for from within a
// microtask, it runs as one.

const queue = [];
let depth = 0; // inside a call from C
let planned = false;

function drain() {
  for (let i = 0; i < queue.length; i++) {
    const { fn, args } = queue[i];
    try {
      fn(...args);
    } catch (err) {
      require('./uncaught').raise(err);
    }
  }
  queue.length = 0;
}

function later(fn, ...args) {
  if (typeof fn !== 'function')
    throw require('./errors').argType('callback', 'of type function', fn);
  queue.push({ fn, args });
  if (depth > 0 || planned) return;
  planned = true;
  Promise.resolve().then(() => {
    planned = false;
    drain();
  });
}

function run(fn) {
  depth++;
  try {
    return fn();
  } finally {
    if (depth === 1 && queue.length > 0) drain();
    depth--;
  }
}

module.exports = { later, run };
