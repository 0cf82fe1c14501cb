'use strict';
// setTimeout, setInterval, setImmediate over the host's one-shot timers.

const TOP = 2 ** 31 - 1;
const invocation = require('./invocation');

const live = new Map();
let last = 0;

class Timeout {
  constructor(ms, fn, args, repeats) {
    this._ms = ms;
    this._fn = fn;
    this._args = args;
    this._repeats = repeats;
    this._ref = true;
    this._id = 0;
    this._of = invocation.current();
  }

  ref() {
    this._ref = true;
    return this;
  }

  // A worker lives as long as the gateway wants: only told.
  unref() {
    this._ref = false;
    return this;
  }

  hasRef() {
    return this._ref;
  }

  refresh() {
    if (!this._done) {
      stop(this);
      start(this);
    }
    return this;
  }

  close() {
    clear(this);
    return this;
  }

  [Symbol.toPrimitive]() {
    return this._key;
  }

  [Symbol.dispose ?? Symbol.for('dispose')]() {
    clear(this);
  }
}

class Immediate extends Timeout {}
// One field a line is for us, not for those who print a timer.
for (const Class of [Timeout, Immediate])
  Class.prototype[Symbol.for('nodejs.util.inspect.custom')] = function () {
    return `${this.constructor.name} {}`;
  };

function start(timer) {
  last = last % 0xffffffff + 1;
  timer._id = last;
  timer._key ??= last;
  live.set(last, timer);
  host.timer(last, timer._ms);
}

function stop(timer) {
  if (!live.delete(timer._id)) return;
  host.untimer(timer._id);
}

function make(Class, fn, ms, args, repeats) {
  if (typeof fn !== 'function')
    throw require('./errors').argType('callback', 'of type function', fn);
  const wait = Number(ms);
  const timer = new Class(wait >= 1 && wait <= TOP ? Math.trunc(wait)
    : Class === Immediate ? 0 : 1, fn, args, repeats);
  start(timer);
  return timer;
}

function clear(timer) {
  if (timer === null || timer === undefined) return;
  let found = timer;
  if (typeof timer !== 'object')
    found = [...live.values()].find((each) => each._key === Number(timer));
  if (!(found instanceof Timeout)) return;
  found._done = true;
  stop(found);
}

function fire(id) {
  const timer = live.get(id);
  if (!timer) return;
  live.delete(id);
  invocation.resume(timer._of);
  try {
    timer._fn(...timer._args);
  } finally {
    if (timer._repeats && !timer._done && timer._id === id) start(timer);
  }
}

const setTimeout = (fn, ms, ...args) => make(Timeout, fn, ms, args, false);
const setInterval = (fn, ms, ...args) => make(Timeout, fn, ms, args, true);
const setImmediate = (fn, ...args) => make(Immediate, fn, 0, args, false);

// ---- timers/promises

function waits(begin) {
  return (...given) => new Promise((resolve, reject) => {
    const options = given.pop();
    const signal = options?.signal;
    if (signal?.aborted) {
      reject(aborted(signal));
      return;
    }
    const timer = begin(resolve, ...given);
    signal?.addEventListener('abort', () => {
      clear(timer);
      reject(aborted(signal));
    }, { once: true });
  });
}

function aborted(signal) {
  const err = new Error('The operation was aborted');
  err.name = 'AbortError';
  err.code = 'ABORT_ERR';
  err.cause = signal.reason;
  return err;
}

const after = waits((resolve, ms, value) => setTimeout(resolve, ms, value));
const soon = waits((resolve, value) => setImmediate(resolve, value));
const promises = {
  setTimeout: (ms, value, options) => after(ms, value, options),
  setImmediate: (value, options) => soon(value, options),
  async* setInterval(ms, value, options) {
    for (;;) {
      await promises.setTimeout(ms, undefined, options);
      yield value;
    }
  },
  scheduler: {
    wait: (ms, options) => promises.setTimeout(ms, undefined, options),
    yield: () => promises.setImmediate(),
  },
};

const PROMISIFY = Symbol.for('nodejs.util.promisify.custom');
setTimeout[PROMISIFY] = promises.setTimeout;
setImmediate[PROMISIFY] = promises.setImmediate;

function queueMicrotask(fn) {
  if (typeof fn !== 'function')
    throw require('./errors').argType('callback', 'of type function', fn);
  Promise.resolve().then(() => {
    try {
      fn();
    } catch (err) {
      require('./uncaught').raise(err);
    }
  });
}

module.exports = {
  fire,
  queueMicrotask,
  promises,
  module: {
    setTimeout, setInterval, setImmediate,
    clearTimeout: clear, clearInterval: clear, clearImmediate: clear,
    promises,
  },
};
