'use strict';
// The classes URL and URLSearchParams (url.spec.whatwg.org).

const { coded } = require('./errors');
const { URLSearchParams } = require('./url_search');
const core = require('./url_parse');

const { isSpecial } = core;

function invalid(input, base) {
  const err = coded(TypeError, 'ERR_INVALID_URL', 'Invalid URL');
  err.input = input;
  if (base !== undefined) err.base = base;
  return err;
}

function read(input, base) {
  let from = null;
  if (base !== undefined) {
    from = core.parse(base, null);
    if (!from) return null;
  }
  return core.parse(input, from);
}

class URL {
  #url;
  #params = null;

  constructor(input, base = undefined) {
    if (arguments.length === 0)
      throw coded(TypeError, 'ERR_MISSING_ARGS',
        'The "url" argument must be specified');
    const text = `${input}`.toWellFormed();
    const from = base === undefined ? undefined : `${base}`.toWellFormed();
    this.#url = read(text, from);
    if (!this.#url) throw invalid(text, from);
  }

  static canParse(input, base = undefined) {
    return read(`${input}`.toWellFormed(),
      base === undefined ? undefined : `${base}`.toWellFormed()) !== null;
  }

  static parse(input, base) {
    return URL.canParse(input, base) ? new URL(input, base) : null;
  }

  static createObjectURL() {
    throw new Error('URL.createObjectURL: there is no page to use it');
  }

  static revokeObjectURL() {}

  get href() {
    return core.serialize(this.#url);
  }

  set href(value) {
    const text = `${value}`.toWellFormed();
    const url = core.parse(text, null);
    if (!url) throw invalid(text);
    this.#url = url;
    this.#resetParams();
  }

  get origin() {
    const url = this.#url;
    if (url.scheme === 'blob') {
      const inner = core.parse(core.pathText(url), null);
      return inner && /^https?$/.test(inner.scheme)
        ? new URL(core.serialize(inner)).origin : 'null';
    }
    if (!isSpecial(url) || url.scheme === 'file') return 'null';
    return `${url.scheme}://${url.host}${url.port === null ? '' : `:${url.port}`}`;
  }

  get protocol() {
    return `${this.#url.scheme}:`;
  }

  set protocol(value) {
    const scheme = /^([A-Za-z][A-Za-z0-9+\-.]*)(:|$)/.exec(
      `${value}`.replace(/[\t\n\r]/g, ''))?.[1].toLowerCase();
    const url = this.#url;
    if (!scheme || isSpecial(url) !== Object.hasOwn(core.SPECIAL, scheme))
      return;
    if (scheme === 'file' && (url.username || url.password || url.port !== null))
      return;
    if (url.scheme === 'file' && url.host === '') return;
    url.scheme = scheme;
    if (url.port === core.SPECIAL[scheme]) url.port = null;
  }

  #hasNoCredentials() {
    const url = this.#url;
    return url.host === null || url.host === '' || url.scheme === 'file';
  }

  get username() {
    return this.#url.username;
  }

  set username(value) {
    if (!this.#hasNoCredentials())
      this.#url.username = core.encode(`${value}`.toWellFormed(), 'userinfo');
  }

  get password() {
    return this.#url.password;
  }

  set password(value) {
    if (!this.#hasNoCredentials())
      this.#url.password = core.encode(`${value}`.toWellFormed(), 'userinfo');
  }

  get host() {
    const { host, port } = this.#url;
    return host === null ? '' : port === null ? host : `${host}:${port}`;
  }

  set host(value) {
    this.#setHost(`${value}`, true);
  }

  get hostname() {
    return this.#url.host ?? '';
  }

  set hostname(value) {
    this.#setHost(`${value}`, false);
  }

  #setHost(value, withPort) {
    const url = this.#url;
    if (typeof url.path === 'string') return;
    const text = value.replace(/[\t\n\r]/g, '')
      .split(isSpecial(url) ? /[/\\?#]/ : /[/?#]/)[0];
    const [name, port] = core.splitPort(text);
    if (!withPort && port !== null) return;
    if (name === '' && (isSpecial(url) && url.scheme !== 'file'
      || port !== null || url.username || url.password || url.port !== null))
      return;
    if (url.scheme === 'file' && port !== null) return;
    const host = name === '' ? '' : core.parseHost(name, !isSpecial(url));
    if (host === null || (name.includes('@') && isSpecial(url))) return;
    url.host = url.scheme === 'file' && host === 'localhost' ? '' : host;
    const digits = /^[0-9]+/.exec(port ?? '')?.[0];
    if (digits) core.setPort(url, digits);
  }

  get port() {
    return this.#url.port === null ? '' : String(this.#url.port);
  }

  set port(value) {
    if (this.#hasNoCredentials()) return;
    const text = `${value}`.replace(/[\t\n\r]/g, '');
    if (text === '') {
      this.#url.port = null;
      return;
    }
    const digits = /^[0-9]+/.exec(text)?.[0];
    if (digits) core.setPort(this.#url, digits);
  }

  get pathname() {
    return core.pathText(this.#url);
  }

  set pathname(value) {
    const url = this.#url;
    if (typeof url.path === 'string') return;
    url.path = [];
    const text = `${value}`.toWellFormed().replace(/[\t\n\r]/g, '');
    if (text === '' && !isSpecial(url)) return;
    const isSlash = text[0] === '/' || (text[0] === '\\' && isSpecial(url));
    core.pushPath(url, isSlash ? text.slice(1) : text);
  }

  get search() {
    return this.#url.query ? `?${this.#url.query}` : '';
  }

  set search(value) {
    const text = `${value}`.toWellFormed().replace(/[\t\n\r]/g, '');
    const query = text.startsWith('?') ? text.slice(1) : text;
    this.#url.query = text === '' ? null
      : core.encode(query, isSpecial(this.#url) ? 'specialQuery' : 'query');
    this.#resetParams();
  }

  get searchParams() {
    this.#params ??= URLSearchParams.of(this.#url.query ?? '', (text) => {
      this.#url.query = text === '' ? null : text;
    });
    return this.#params;
  }

  #resetParams() {
    if (this.#params) URLSearchParams.reset(this.#params, this.#url.query ?? '');
  }

  get hash() {
    return this.#url.fragment ? `#${this.#url.fragment}` : '';
  }

  set hash(value) {
    const text = `${value}`.toWellFormed().replace(/[\t\n\r]/g, '');
    this.#url.fragment = text === '' ? null
      : core.encode(text.startsWith('#') ? text.slice(1) : text, 'fragment');
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  get [Symbol.toStringTag]() {
    return 'URL';
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    const shown = {};
    for (const name of ['href', 'origin', 'protocol', 'username', 'password',
      'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash'])
      shown[name] = this[name];
    return `URL ${inspect(shown, options)}`;
  }
}
for (const name of ['href', 'origin', 'protocol', 'username', 'password',
  'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash',
  'toString', 'toJSON'])
  Object.defineProperty(URL.prototype, name, { enumerable: true });

module.exports = { URL, URLSearchParams };
