'use strict';
// ReadableStream, as far as bodies need it: a source that is read in pieces.

class Reader {
  #stream;

  constructor(stream) {
    this.#stream = stream;
  }

  read() {
    if (!this.#stream)
      return Promise.reject(new TypeError('The reader is not attached to a stream'));
    return this.#stream._next();
  }

  releaseLock() {
    if (this.#stream) this.#stream._lock(false);
    this.#stream = null;
  }

  async cancel(reason) {
    return this.#stream?._cancel(reason);
  }

  get closed() {
    return this.#stream ? this.#stream._closed : Promise.resolve();
  }
}

class ReadableStream {
  #source;
  #ready = [];
  #waiting = [];
  #isDone = false;
  #problem = null;
  #isLocked = false;
  #pulling = false;
  #end = Promise.withResolvers ? Promise.withResolvers() : withResolvers();

  constructor(source = {}) {
    this.#source = source;
    this.#end.promise.catch(() => undefined);
    this.#call(() => source.start?.(this.#controller));
  }

  static of(bytes) {
    return new ReadableStream({ start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    } });
  }

  static from(iterable) {
    const list = (iterable[Symbol.asyncIterator]
      ?? iterable[Symbol.iterator]).call(iterable);
    return new ReadableStream({ async pull(controller) {
      const { value, done } = await list.next();
      if (done) controller.close();
      else controller.enqueue(value);
    } });
  }

  #controller = {
    desiredSize: 1,
    enqueue: (value) => {
      const wait = this.#waiting.shift();
      if (wait) wait.resolve({ value, done: false });
      else this.#ready.push(value);
    },
    close: () => {
      this.#isDone = true;
      this.#end.resolve();
      for (const wait of this.#waiting.splice(0))
        wait.resolve({ value: undefined, done: true });
    },
    error: (err) => {
      this.#problem = { err };
      this.#end.reject(err);
      for (const wait of this.#waiting.splice(0)) wait.reject(err);
    },
  };

  async #call(work) {
    try {
      await work();
    } catch (err) {
      this.#controller.error(err);
    }
  }

  async #pull() {
    if (this.#pulling || !this.#source.pull || this.#isDone) return;
    this.#pulling = true;
    await this.#call(() => this.#source.pull(this.#controller));
    this.#pulling = false;
    if (this.#waiting.length > 0 && !this.#problem) this.#pull();
  }

  _next() {
    if (this.#ready.length > 0)
      return Promise.resolve({ value: this.#ready.shift(), done: false });
    if (this.#problem) return Promise.reject(this.#problem.err);
    if (this.#isDone) return Promise.resolve({ value: undefined, done: true });
    const promise = new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    this.#pull();
    return promise;
  }

  _lock(isLocked) {
    this.#isLocked = isLocked;
  }

  async _cancel(reason) {
    this.#ready = [];
    this.#controller.close();
    await this.#source.cancel?.(reason);
  }

  get _closed() {
    return this.#end.promise;
  }

  get locked() {
    return this.#isLocked;
  }

  getReader() {
    if (this.#isLocked)
      throw new TypeError('Invalid state: ReadableStream is locked');
    this.#isLocked = true;
    return new Reader(this);
  }

  cancel(reason) {
    return this._cancel(reason);
  }

  async* values() {
    const reader = this.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  }

  [Symbol.asyncIterator]() {
    return this.values();
  }

  get [Symbol.toStringTag]() {
    return 'ReadableStream';
  }
}

function withResolvers() {
  const out = {};
  out.promise = new Promise((resolve, reject) => Object.assign(out, { resolve, reject }));
  return out;
}

module.exports = { ReadableStream };
