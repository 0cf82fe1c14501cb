'use strict';
// Headers (fetch.spec.whatwg.org): names without case, values joined.

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function nameOf(given) {
  const name = `${given}`;
  if (!NAME.test(name))
    throw new TypeError(`Headers: "${name}" is an invalid header name.`);
  return name.toLowerCase();
}

function valueOf(given) {
  const value = `${given}`.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  if (/[\0\n\r]|[^\x00-\xff]/.test(value))
    throw new TypeError(`Headers: "${value}" is an invalid header value.`);
  return value;
}

class Headers {
  #map = new Map(); // name: list of values

  constructor(given = undefined) {
    if (given === undefined) return;
    if (given === null || typeof given !== 'object')
      throw new TypeError("Headers constructor: init is not an object");
    if (typeof given[Symbol.iterator] === 'function') {
      for (const pair of given) {
        const list = [...pair];
        if (list.length !== 2)
          throw new TypeError('Headers constructor: expected name/value pair to be length 2, found '
            + `${list.length}.`);
        this.append(list[0], list[1]);
      }
    } else {
      for (const name of Reflect.ownKeys(given)) this.append(name, given[name]);
    }
  }

  append(name, value) {
    const key = nameOf(name);
    const list = this.#map.get(key);
    if (list) list.push(valueOf(value));
    else this.#map.set(key, [valueOf(value)]);
  }

  set(name, value) {
    this.#map.set(nameOf(name), [valueOf(value)]);
  }

  delete(name) {
    this.#map.delete(nameOf(name));
  }

  get(name) {
    const list = this.#map.get(nameOf(name));
    return list ? list.join(', ') : null;
  }

  has(name) {
    return this.#map.has(nameOf(name));
  }

  getSetCookie() {
    return [...this.#map.get('set-cookie') ?? []];
  }

  #sorted() {
    return [...this.#map].sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, list]) => (name === 'set-cookie'
        ? list.map((value) => [name, value]) : [[name, list.join(', ')]]));
  }

  forEach(fn, self) {
    for (const [name, value] of this.#sorted()) fn.call(self, value, name, this);
  }

  * entries() {
    yield* this.#sorted();
  }

  * keys() {
    for (const [name] of this.#sorted()) yield name;
  }

  * values() {
    for (const [, value] of this.#sorted()) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  get [Symbol.toStringTag]() {
    return 'Headers';
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `Headers ${inspect(Object.fromEntries(this.#sorted()), options)}`;
  }
}

module.exports = { Headers };
