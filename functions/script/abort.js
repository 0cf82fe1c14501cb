'use strict';
// AbortController and AbortSignal.

const { Event, EventTarget } = require('./event');
const { DOMException } = require('./dom_exception');
const { coded } = require('./errors');

const KEY = Symbol('make');

function illegal() {
  return coded(TypeError, 'ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor');
}

class AbortSignal extends EventTarget {
  #aborted = false;
  #reason = undefined;
  #handler = null;

  constructor(key = undefined) {
    if (key !== KEY) throw illegal();
    super();
  }

  get aborted() {
    return this.#aborted;
  }

  get reason() {
    return this.#reason;
  }

  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }

  get onabort() {
    return this.#handler;
  }

  set onabort(fn) {
    if (this.#handler) this.removeEventListener('abort', this.#handler);
    this.#handler = typeof fn === 'function' ? fn : null;
    if (this.#handler) this.addEventListener('abort', this.#handler);
  }

  static _abort(signal, reason) {
    if (signal.#aborted) return;
    signal.#aborted = true;
    signal.#reason = reason === undefined
      ? new DOMException('This operation was aborted', 'AbortError') : reason;
    signal.dispatchEvent(new Event('abort'));
  }

  static abort(reason = undefined) {
    const signal = new AbortSignal(KEY);
    AbortSignal._abort(signal, reason);
    return signal;
  }

  static timeout(ms) {
    if (typeof ms !== 'number')
      throw require('./errors').argType('delay', 'of type number', ms);
    const signal = new AbortSignal(KEY);
    require('./timers').module.setTimeout(() => AbortSignal._abort(signal,
      new DOMException('The operation was aborted due to timeout',
        'TimeoutError')), ms);
    return signal;
  }

  static any(signals) {
    const signal = new AbortSignal(KEY);
    for (const each of signals) {
      if (each.aborted) {
        AbortSignal._abort(signal, each.reason);
        break;
      }
      each.addEventListener('abort', () =>
        AbortSignal._abort(signal, each.reason), { once: true });
    }
    return signal;
  }

  get [Symbol.toStringTag]() {
    return 'AbortSignal';
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `AbortSignal { aborted: ${this.#aborted} }`;
  }
}
Object.defineProperty(AbortSignal, '_abort', { enumerable: false });

class AbortController {
  #signal = new AbortSignal(KEY);

  get signal() {
    return this.#signal;
  }

  abort(reason = undefined) {
    AbortSignal._abort(this.#signal, reason);
  }

  get [Symbol.toStringTag]() {
    return 'AbortController';
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `AbortController { signal: AbortSignal { aborted: ${
      this.#signal.aborted} } }`;
  }
}

module.exports = { AbortController, AbortSignal };
