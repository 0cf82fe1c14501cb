'use strict';
// Event and EventTarget (dom.spec.whatwg.org), without a tree.

const { argType, coded } = require('./errors');

class Event {
  #type;
  #cancelable;
  #bubbles;
  #composed;
  #prevented = false;
  #time = globalThis.performance.now();
  _target = null;
  _stopped = false;
  _now = false;

  constructor(type, options = undefined) {
    if (arguments.length === 0)
      throw coded(TypeError, 'ERR_MISSING_ARGS',
        'The "type" argument must be specified');
    if (options !== undefined && options !== null
      && typeof options !== 'object')
      throw argType('options', 'of type object', options);
    this.#type = `${type}`;
    this.#cancelable = Boolean(options?.cancelable);
    this.#bubbles = Boolean(options?.bubbles);
    this.#composed = Boolean(options?.composed);
    for (const name of ['_target', '_stopped', '_now'])
      Object.defineProperty(this, name, { enumerable: false });
  }

  get type() {
    return this.#type;
  }

  get target() {
    return this._target;
  }

  get currentTarget() {
    return this._now ? this._target : null;
  }

  get srcElement() {
    return this._target;
  }

  get cancelable() {
    return this.#cancelable;
  }

  get bubbles() {
    return this.#bubbles;
  }

  get composed() {
    return this.#composed;
  }

  get defaultPrevented() {
    return this.#prevented;
  }

  get returnValue() {
    return !this.#prevented;
  }

  get timeStamp() {
    return this.#time;
  }

  get eventPhase() {
    return this._now ? Event.AT_TARGET : Event.NONE;
  }

  get isTrusted() {
    return false;
  }

  composedPath() {
    return this._now ? [this._target] : [];
  }

  preventDefault() {
    if (this.#cancelable) this.#prevented = true;
  }

  stopPropagation() {}

  stopImmediatePropagation() {
    this._stopped = true;
  }

  get [Symbol.toStringTag]() {
    return 'Event';
  }

  static NONE = 0;

  static CAPTURING_PHASE = 1;

  static AT_TARGET = 2;

  static BUBBLING_PHASE = 3;
}

class CustomEvent extends Event {
  #detail;

  constructor(type, options = undefined) {
    super(type, options);
    this.#detail = options?.detail ?? null;
  }

  get detail() {
    return this.#detail;
  }
}

class EventTarget {
  #lists = new Map();

  addEventListener(type, listener, options = undefined) {
    if (listener === null || listener === undefined) return;
    if (typeof listener !== 'function' && typeof listener !== 'object')
      throw argType('listener', 'an instance of EventListener', listener);
    const { once = false, signal, capture = options === true }
      = typeof options === 'object' && options !== null ? options : {};
    if (signal?.aborted) return;
    const name = `${type}`;
    const list = this.#lists.get(name) ?? [];
    if (list.some((each) => each.listener === listener
      && each.capture === Boolean(capture)))
      return;
    list.push({ listener, once: Boolean(once), capture: Boolean(capture) });
    this.#lists.set(name, list);
    signal?.addEventListener('abort', () =>
      this.removeEventListener(name, listener, options), { once: true });
  }

  removeEventListener(type, listener, options = undefined) {
    const capture = Boolean(typeof options === 'object' && options !== null
      ? options.capture : options);
    const list = this.#lists.get(`${type}`) ?? [];
    const at = list.findIndex((each) => each.listener === listener
      && each.capture === capture);
    if (at >= 0) this.#lists.set(`${type}`, list.toSpliced(at, 1));
  }

  dispatchEvent(event) {
    if (!(event instanceof Event))
      throw argType('event', 'an instance of Event', event);
    if (event._now)
      throw coded(Error, 'ERR_EVENT_RECURSION',
        `The event "${event.type}" is already being dispatched`);
    event._target = this;
    event._now = true;
    for (const each of this.#lists.get(event.type) ?? []) {
      if (each.once)
        this.removeEventListener(event.type, each.listener, each.capture);
      try {
        if (typeof each.listener === 'function')
          each.listener.call(this, event);
        else each.listener.handleEvent?.(event);
      } catch (err) {
        require('./tick').later(() => {
          throw err;
        });
      }
      if (event._stopped) break;
    }
    event._now = false;
    return !event.defaultPrevented;
  }

  get [Symbol.toStringTag]() {
    return 'EventTarget';
  }
}

module.exports = { Event, CustomEvent, EventTarget };
