'use strict';
// Response.

const body = require('./body');
const { Headers } = require('./headers');

const REDIRECTS = [301, 302, 303, 307, 308];
const WITHOUT_BODY = [101, 103, 204, 205, 304];

class Response {
  #status;
  #statusText;
  #headers;
  #content;
  #url = '';
  #redirected = false;
  #type = 'default';

  constructor(given = null, init = {}) {
    const status = init?.status ?? 200;
    if (!(status >= 200 && status <= 599))
      throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
    this.#status = Math.trunc(status);
    this.#statusText = `${init?.statusText ?? ''}`;
    this.#headers = new Headers(init?.headers ?? undefined);
    if (given !== null && given !== undefined
      && WITHOUT_BODY.includes(this.#status))
      throw new TypeError(`Response constructor: Invalid response status code ${status}`);
    this.#content = body.extract(given);
    if (this.#content.type && !this.#headers.has('content-type'))
      this.#headers.set('content-type', this.#content.type);
  }

  // What the host answered; `asked` is the URL that was requested.
  static _of(answer, asked) {
    const made = new Response();
    made.#status = answer.status;
    made.#statusText = answer.statusText ?? '';
    for (const [name, value] of answer.headers) made.#headers.append(name, value);
    made.#content = { bytes: WITHOUT_BODY.includes(answer.status) ? null
      : answer.body, type: null };
    made.#url = (answer.url ?? asked).replace(/#.*$/, '');
    made.#redirected = made.#url !== asked.replace(/#.*$/, '');
    made.#type = 'basic';
    return made;
  }

  static _content(response) {
    return response.#content;
  }

  static error() {
    const made = new Response();
    made.#status = 0;
    made.#type = 'error';
    return made;
  }

  static json(data, init = {}) {
    const text = JSON.stringify(data);
    if (text === undefined)
      throw new TypeError('The data is not JSON serializable');
    const made = new Response(text, init);
    if (!new Headers(init.headers ?? undefined).has('content-type'))
      made.#headers.set('content-type', 'application/json');
    return made;
  }

  static redirect(url, status = 302) {
    const { URL } = require('./url');
    if (!REDIRECTS.includes(status))
      throw new RangeError(`Invalid status code ${status}`);
    const made = new Response(null, { status });
    made.#headers.set('location', new URL(`${url}`).href);
    return made;
  }

  get status() {
    return this.#status;
  }

  get ok() {
    return this.#status >= 200 && this.#status <= 299;
  }

  get statusText() {
    return this.#statusText;
  }

  get headers() {
    return this.#headers;
  }

  get url() {
    return this.#url;
  }

  get redirected() {
    return this.#redirected;
  }

  get type() {
    return this.#type;
  }

  clone() {
    if (this.bodyUsed)
      throw new TypeError('Response.clone: Body has already been consumed.');
    const made = new Response();
    made.#status = this.#status;
    made.#statusText = this.#statusText;
    made.#headers = new Headers(this.#headers);
    made.#content = this.#content;
    made.#url = this.#url;
    made.#redirected = this.#redirected;
    made.#type = this.#type;
    return made;
  }

  get [Symbol.toStringTag]() {
    return 'Response';
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    const shown = {};
    for (const name of ['status', 'statusText', 'headers', 'body', 'bodyUsed',
      'ok', 'redirected', 'type', 'url'])
      shown[name] = this[name];
    return `Response ${inspect(shown, options)}`;
  }
}
for (const name of ['_of', '_content'])
  Object.defineProperty(Response, name, { enumerable: false });
body.addTo(Response, Response._content);

module.exports = { Response };
