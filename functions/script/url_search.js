'use strict';
// URLSearchParams: application/x-www-form-urlencoded as a list of pairs.

const { argType, coded } = require('./errors');

function decode(text) {
  const plus = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!plus.includes('%')) return plus.toWellFormed();
  const bytes = [];
  const given = host.utf8(plus);
  for (let i = 0; i < given.length; i++) {
    const value = given[i] === 37
      ? parseInt(String.fromCharCode(given[i + 1], given[i + 2]), 16) : NaN;
    if (given[i] === 37 && /^[0-9A-Fa-f]{2}$/.test(
      String.fromCharCode(given[i + 1], given[i + 2]))) {
      bytes.push(value);
      i += 2;
    } else {
      bytes.push(given[i]);
    }
  }
  return require('./buffer_codec').utf8(Uint8Array.from(bytes));
}

function encode(text) {
  if (/^[A-Za-z0-9*\-._]*$/.test(text)) return text;
  let out = '';
  for (const byte of host.utf8(text)) {
    const char = String.fromCharCode(byte);
    out += byte === 32 ? '+' : /[A-Za-z0-9*\-._]/.test(char) ? char
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

function pairsOf(text) {
  return text.split('&').filter(Boolean).map((piece) => {
    const at = piece.indexOf('=');
    return at < 0 ? [decode(piece), '']
      : [decode(piece.slice(0, at)), decode(piece.slice(at + 1))];
  });
}

const text = (value) => `${value}`.toWellFormed();

function need(count, args, names) {
  if (args.length >= count) return;
  throw coded(TypeError, 'ERR_MISSING_ARGS', `The ${names} must be specified`);
}

function fromIterable(given) {
  const out = [];
  for (const pair of given) {
    if (pair === null || typeof pair !== 'object'
      || typeof pair[Symbol.iterator] !== 'function')
      throw coded(TypeError, 'ERR_INVALID_TUPLE',
        'Each query pair must be an iterable [name, value] tuple');
    const list = [...pair];
    if (list.length !== 2)
      throw coded(TypeError, 'ERR_INVALID_TUPLE',
        'Each query pair must be an iterable [name, value] tuple');
    out.push([text(list[0]), text(list[1])]);
  }
  return out;
}

function fromAny(given) {
  if (given === undefined || given === null) return [];
  if (typeof given !== 'object' && typeof given !== 'function') {
    const said = text(given);
    return pairsOf(said.startsWith('?') ? said.slice(1) : said);
  }
  const iterate = given[Symbol.iterator];
  if (iterate !== undefined && iterate !== null) {
    if (typeof iterate !== 'function')
      throw argType('query', 'iterable', given);
    return fromIterable(given);
  }
  const pairs = new Map();
  for (const key of Reflect.ownKeys(given)) {
    const slot = Reflect.getOwnPropertyDescriptor(given, key);
    if (slot && slot.enumerable) pairs.set(text(key), text(given[key]));
  }
  return [...pairs];
}

class URLSearchParams {
  #list;
  #owner = null; // the URL whose query this is

  constructor(given = undefined) {
    this.#list = fromAny(given);
  }

  // For URL: the list that stands for its query.
  static of(query, owner) {
    const made = new URLSearchParams();
    made.#list = pairsOf(query);
    made.#owner = owner;
    return made;
  }

  static reset(params, query) {
    params.#list = pairsOf(query);
  }

  #changed() {
    this.#owner?.(this.toString());
  }

  get size() {
    return this.#list.length;
  }

  append(name, value) {
    need(2, arguments, '"name" and "value" arguments');
    this.#list.push([text(name), text(value)]);
    this.#changed();
  }

  delete(name, value) {
    need(1, arguments, '"name" argument');
    this.#list = this.#list.filter(([n, v]) => n !== text(name)
      || (value !== undefined && v !== text(value)));
    this.#changed();
  }

  get(name) {
    need(1, arguments, '"name" argument');
    return this.#list.find(([n]) => n === text(name))?.[1] ?? null;
  }

  getAll(name) {
    need(1, arguments, '"name" argument');
    return this.#list.filter(([n]) => n === text(name)).map(([, v]) => v);
  }

  has(name, value) {
    need(1, arguments, '"name" argument');
    return this.#list.some(([n, v]) => n === text(name)
      && (value === undefined || v === text(value)));
  }

  set(name, value) {
    need(2, arguments, '"name" and "value" arguments');
    const key = text(name);
    const at = this.#list.findIndex(([n]) => n === key);
    if (at < 0) {
      this.#list.push([key, text(value)]);
    } else {
      this.#list[at] = [key, text(value)];
      this.#list = this.#list.filter(([n], i) => n !== key || i === at);
    }
    this.#changed();
  }

  sort() {
    this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed();
  }

  forEach(fn, self) {
    if (typeof fn !== 'function')
      throw argType('callback', 'of type function', fn);
    for (let i = 0; i < this.#list.length; i++)
      fn.call(self, this.#list[i][1], this.#list[i][0], this);
  }

  * entries() {
    for (let i = 0; i < this.#list.length; i++) yield [...this.#list[i]];
  }

  * keys() {
    for (const [name] of this.entries()) yield name;
  }

  * values() {
    for (const [, value] of this.entries()) yield value;
  }

  toString() {
    return this.#list.map(([n, v]) => `${encode(n)}=${encode(v)}`).join('&');
  }

  get [Symbol.toStringTag]() {
    return 'URLSearchParams';
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    const { quote } = require('./inspect_text');
    const rows = this.#list.map(([n, v]) => `${quote(n)} => ${quote(v)}`);
    return rows.length === 0 ? 'URLSearchParams {}'
      : `URLSearchParams { ${rows.join(', ')} }`;
  }
}
Object.defineProperty(URLSearchParams.prototype, Symbol.iterator,
  { value: URLSearchParams.prototype.entries, writable: true,
    configurable: true });

module.exports = { URLSearchParams };
