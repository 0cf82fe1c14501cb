'use strict';
// What Request and Response share: a body that is read once.

const bytes = require('./bytes');

// A BodyInit: {bytes or stream, type}.
function extract(given) {
  if (given === null || given === undefined) return { bytes: null, type: null };
  if (typeof given === 'string')
    return { bytes: host.utf8(given), type: 'text/plain;charset=UTF-8' };
  const view = bytes.of(given);
  if (view) return { bytes: view.slice(), type: null };
  const { Blob } = require('./blob');
  if (given instanceof Blob)
    return { bytes: Blob._bytes(given), type: given.type || null };
  const { URLSearchParams } = require('./url_search');
  if (given instanceof URLSearchParams)
    return { bytes: host.utf8(given.toString()),
      type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  const { FormData, encode } = require('./form_data');
  if (given instanceof FormData) {
    const made = encode(given);
    return { bytes: made.body, type: made.type };
  }
  if (typeof given[Symbol.asyncIterator] === 'function')
    return { stream: given, bytes: null, type: null };
  return { bytes: host.utf8(`${given}`), type: 'text/plain;charset=UTF-8' };
}

async function drain(stream) {
  const parts = [];
  for await (const part of stream)
    parts.push(typeof part === 'string' ? host.utf8(part) : bytes.of(part));
  return bytes.concat(parts);
}

// Gives `Class` the members of the standard's Body.  content(object) is what
// extract gave it.
function addTo(Class, content) {
  const used = new WeakSet();
  const streams = new WeakMap();

  async function read(object) {
    const stream = streams.get(object);
    if (used.has(object) || stream?.locked)
      throw new TypeError('Body is unusable: Body has already been read');
    const inside = content(object);
    if (inside.bytes === null && !inside.stream) return new Uint8Array(0);
    used.add(object);
    return inside.stream ? drain(inside.stream) : inside.bytes;
  }

  const methods = {
    async arrayBuffer() {
      return (await read(this)).slice().buffer;
    },
    async bytes() {
      return (await read(this)).slice();
    },
    async text() {
      const { TextDecoder } = require('./text_codec');
      return new TextDecoder().decode(await read(this));
    },
    async json() {
      return JSON.parse(await this.text());
    },
    async blob() {
      const { Blob } = require('./blob');
      return new Blob([await read(this)],
        { type: this.headers.get('content-type') ?? '' });
    },
    async formData() {
      const type = this.headers.get('content-type') ?? '';
      const { FormData, decode } = require('./form_data');
      const boundary = /^multipart\/form-data.*boundary="?([^";]+)/i.exec(type);
      if (boundary) return decode(await read(this), boundary[1]);
      if (!/^application\/x-www-form-urlencoded/i.test(type))
        throw new TypeError('Content-Type was not one of "multipart/form-data" or "application/x-www-form-urlencoded".');
      const form = new FormData();
      const { URLSearchParams } = require('./url_search');
      for (const [name, value] of new URLSearchParams(await this.text()))
        form.append(name, value);
      return form;
    },
  };
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(Class.prototype, name,
      { value, writable: true, configurable: true });
  Object.defineProperty(Class.prototype, 'bodyUsed', { configurable: true,
    get() {
      return used.has(this);
    } });
  Object.defineProperty(Class.prototype, 'body', { configurable: true,
    get() {
      const inside = content(this);
      if (inside.stream) return inside.stream;
      if (inside.bytes === null) return null;
      if (!streams.has(this)) {
        const { ReadableStream } = require('./stream');
        streams.set(this, new ReadableStream({ pull: (controller) => {
          used.add(this);
          if (inside.bytes.length > 0) controller.enqueue(inside.bytes);
          controller.close();
        } }));
      }
      return streams.get(this);
    } });
}

module.exports = { extract, addTo, drain };
