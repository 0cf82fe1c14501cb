'use strict';
// require('events'): EventEmitter and its helpers.

const { argType, coded, range } = require('./errors');

let defaultTop = 10;
const ERROR_MONITOR = Symbol('events.errorMonitor');
const CAPTURE = Symbol.for('nodejs.rejection');

function EventEmitter(options) {
  EventEmitter.init.call(this, options);
}

EventEmitter.init = function init(options) {
  if (this._events === undefined
    || this._events === Object.getPrototypeOf(this)._events) {
    this._events = Object.create(null);
    this._eventsCount = 0;
  }
  this._maxListeners ??= undefined;
  if (options?.captureRejections) this[CAPTURE_ON] = true;
};
const CAPTURE_ON = Symbol('kCapture');

function check(listener) {
  if (typeof listener !== 'function')
    throw argType('listener', 'of type function', listener);
}

const plain = (listener) => listener.listener ?? listener;

function add(emitter, name, listener, prepend) {
  check(listener);
  if (emitter._events === undefined) EventEmitter.init.call(emitter);
  if (emitter._events.newListener !== undefined)
    emitter.emit('newListener', name, plain(listener));
  const list = emitter._events[name];
  if (list === undefined) {
    emitter._events[name] = [listener];
    emitter._eventsCount++;
    return emitter;
  }
  if (prepend) list.unshift(listener);
  else list.push(listener);
  warnOfMany(emitter, name, list);
  return emitter;
}

function warnOfMany(emitter, name, list) {
  const top = emitter.getMaxListeners();
  if (top <= 0 || list.length <= top || list.isTold) return;
  list.isTold = true;
  require('./process').process.emitWarning(
    `Possible EventEmitter memory leak detected. ${list.length} ${
      String(name)} listeners added. Use emitter.setMaxListeners() to increase limit`,
    'MaxListenersExceededWarning');
}

function onceWrapper(emitter, name, listener) {
  check(listener);
  const wrapped = function wrapped(...args) {
    emitter.removeListener(name, wrapped);
    return listener.apply(emitter, args);
  };
  wrapped.listener = listener;
  return wrapped;
}

function unhandled(err) {
  if (err instanceof Error) return err;
  const shown = require('./inspect').inspect(err);
  const made = coded(Error, 'ERR_UNHANDLED_ERROR', `Unhandled error. (${shown})`);
  made.context = err;
  return made;
}

Object.assign(EventEmitter.prototype, {
  _events: undefined,
  _eventsCount: 0,
  _maxListeners: undefined,

  setMaxListeners(n) {
    if (typeof n !== 'number' || n < 0 || Number.isNaN(n))
      throw range('setMaxListeners', '>= 0', n);
    this._maxListeners = n;
    return this;
  },

  getMaxListeners() {
    return this._maxListeners ?? defaultTop;
  },

  emit(name, ...args) {
    if (name === 'error' && this._events?.[ERROR_MONITOR] !== undefined)
      this.emit(ERROR_MONITOR, ...args);
    const list = this._events?.[name];
    if (list === undefined) {
      if (name === 'error') throw unhandled(args[0]);
      return false;
    }
    for (const listener of [...list]) {
      const answer = listener.apply(this, args);
      if (this[CAPTURE_ON] && typeof answer?.then === 'function')
        answer.then(undefined, (err) => {
          if (typeof this[CAPTURE] === 'function')
            this[CAPTURE](err, name, ...args);
          else this.emit('error', err);
        });
    }
    return true;
  },

  on(name, listener) {
    return add(this, name, listener, false);
  },

  prependListener(name, listener) {
    return add(this, name, listener, true);
  },

  once(name, listener) {
    return add(this, name, onceWrapper(this, name, listener), false);
  },

  prependOnceListener(name, listener) {
    return add(this, name, onceWrapper(this, name, listener), true);
  },

  off(name, listener) {
    check(listener);
    const list = this._events?.[name];
    if (list === undefined) return this;
    const at = list.findLastIndex((each) => each === listener
      || each.listener === listener);
    if (at < 0) return this;
    if (list.length === 1) {
      delete this._events[name];
      this._eventsCount--;
    } else {
      // Whoever emits now goes on with the list that it has.
      this._events[name] = list.toSpliced(at, 1);
    }
    if (this._events.removeListener !== undefined)
      this.emit('removeListener', name, plain(listener));
    return this;
  },

  removeAllListeners(...names) {
    if (this._events === undefined) return this;
    const wanted = names.length > 0 ? names
      : Reflect.ownKeys(this._events).filter((name) => name !== 'removeListener')
        .concat('removeListener');
    for (const name of wanted)
      for (const listener of [...this._events[name] ?? []].reverse())
        this.removeListener(name, listener);
    return this;
  },

  listeners(name) {
    return (this._events?.[name] ?? []).map(plain);
  },

  rawListeners(name) {
    return [...this._events?.[name] ?? []];
  },

  listenerCount(name, listener) {
    const list = this._events?.[name] ?? [];
    return listener ? list.filter((each) => plain(each) === listener).length
      : list.length;
  },

  eventNames() {
    return this._events ? Reflect.ownKeys(this._events) : [];
  },
});
EventEmitter.prototype.addListener = EventEmitter.prototype.on;
EventEmitter.prototype.removeListener = EventEmitter.prototype.off;

// ---- helpers

const isTarget = (emitter) => typeof emitter.addEventListener === 'function';

function listen(emitter, name, listener, once) {
  if (isTarget(emitter)) emitter.addEventListener(name, listener, { once });
  else if (once) emitter.once(name, listener);
  else emitter.on(name, listener);
}

function unlisten(emitter, name, listener) {
  if (isTarget(emitter)) emitter.removeEventListener(name, listener);
  else emitter.removeListener(name, listener);
}

function abortError(signal) {
  const err = new Error('The operation was aborted');
  err.name = 'AbortError';
  err.code = 'ABORT_ERR';
  err.cause = signal.reason;
  return err;
}

EventEmitter.once = (emitter, name, { signal } = {}) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortError(signal));
      return;
    }
    const onError = (err) => {
      unlisten(emitter, name, onEvent);
      reject(err);
    };
    const onEvent = (...args) => {
      if (!isTarget(emitter)) unlisten(emitter, 'error', onError);
      resolve(args);
    };
    listen(emitter, name, onEvent, true);
    if (name !== 'error' && !isTarget(emitter))
      listen(emitter, 'error', onError, true);
    signal?.addEventListener('abort', () => {
      unlisten(emitter, name, onEvent);
      unlisten(emitter, 'error', onError);
      reject(abortError(signal));
    }, { once: true });
  });

EventEmitter.on = (emitter, name, { signal } = {}) => {
  const ready = [];
  const waiting = [];
  let problem = null;
  let isDone = false;
  const settle = (value) => (waiting.length > 0
    ? waiting.shift().resolve({ value, done: false }) : ready.push(value));
  const onEvent = (...args) => settle(args);
  const onError = (err) => {
    problem = err;
    if (waiting.length > 0) {
      problem = null;
      waiting.shift().reject(err);
    }
    end();
  };
  const end = () => {
    isDone = true;
    unlisten(emitter, name, onEvent);
    unlisten(emitter, 'error', onError);
    for (const wait of waiting.splice(0))
      wait.resolve({ value: undefined, done: true });
  };
  listen(emitter, name, onEvent, false);
  if (name !== 'error') listen(emitter, 'error', onError, false);
  signal?.addEventListener('abort', () => onError(abortError(signal)),
    { once: true });
  return {
    async next() {
      if (ready.length > 0) return { value: ready.shift(), done: false };
      if (problem) {
        const err = problem;
        problem = null;
        throw err;
      }
      if (isDone) return { value: undefined, done: true };
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
      });
    },
    async return() {
      end();
      return { value: undefined, done: true };
    },
    async throw(err) {
      onError(err);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};

EventEmitter.listenerCount = (emitter, name) => emitter.listenerCount(name);
EventEmitter.getEventListeners = (emitter, name) => emitter.listeners(name);
EventEmitter.getMaxListeners = (emitter) => emitter.getMaxListeners();
EventEmitter.setMaxListeners = (n = defaultTop, ...emitters) => {
  if (emitters.length === 0) defaultTop = n;
  for (const emitter of emitters) emitter.setMaxListeners?.(n);
};
EventEmitter.EventEmitter = EventEmitter;
EventEmitter.errorMonitor = ERROR_MONITOR;
EventEmitter.captureRejectionSymbol = CAPTURE;
EventEmitter.captureRejections = false;
EventEmitter.usingDomains = false;
Object.defineProperty(EventEmitter, 'defaultMaxListeners', {
  enumerable: true,
  get: () => defaultTop,
  set(n) {
    if (typeof n !== 'number' || n < 0 || Number.isNaN(n))
      throw range('defaultMaxListeners', '>= 0', n);
    defaultTop = n;
  },
});

module.exports = EventEmitter;
