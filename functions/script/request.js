'use strict';
// Request.

const body = require('./body');
const { Headers } = require('./headers');

const NORMAL = /^(delete|get|head|options|post|put)$/i;

class Request {
  #url;
  #method;
  #headers;
  #content;
  #redirect;
  #signal;
  #given;

  constructor(input, init = {}) {
    const from = input instanceof Request ? input : null;
    const { URL } = require('./url');
    try {
      this.#url = from ? from.#url : new URL(`${input}`);
    } catch (cause) {
      const err = new TypeError(`Failed to parse URL from ${input}`);
      err.cause = cause;
      throw err;
    }
    if (this.#url.username || this.#url.password)
      throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${input}`);
    const method = `${init.method ?? from?.method ?? 'GET'}`;
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method)
      || /^(connect|trace|track)$/i.test(method))
      throw new TypeError(`'${method}' is not a valid HTTP method.`);
    this.#method = NORMAL.test(method) ? method.toUpperCase() : method;
    this.#headers = new Headers(init.headers ?? from?.headers);
    const given = init.body ?? null;
    if (given !== null && /^(GET|HEAD)$/.test(this.#method))
      throw new TypeError('Request with GET/HEAD method cannot have body.');
    this.#content = given === null && from ? from.#content
      : body.extract(given);
    if (this.#content.type && !this.#headers.has('content-type'))
      this.#headers.set('content-type', this.#content.type);
    this.#redirect = init.redirect ?? from?.redirect ?? 'follow';
    this.#signal = init.signal ?? from?.signal ?? null;
    this.#given = init;
  }

  static _content(request) {
    return request.#content;
  }

  get url() {
    return this.#url.href;
  }

  get method() {
    return this.#method;
  }

  get headers() {
    return this.#headers;
  }

  get redirect() {
    return this.#redirect;
  }

  get signal() {
    this.#signal ??= new globalThis.AbortController().signal;
    return this.#signal;
  }

  get mode() {
    return this.#given.mode ?? 'cors';
  }

  get credentials() {
    return this.#given.credentials ?? 'same-origin';
  }

  get cache() {
    return this.#given.cache ?? 'default';
  }

  get referrer() {
    return 'about:client';
  }

  get keepalive() {
    return Boolean(this.#given.keepalive);
  }

  clone() {
    if (this.bodyUsed) throw new TypeError('unusable');
    return new Request(this);
  }

  get [Symbol.toStringTag]() {
    return 'Request';
  }
}
Object.defineProperty(Request, '_content', { enumerable: false });
body.addTo(Request, Request._content);

module.exports = { Request };
