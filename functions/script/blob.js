'use strict';
// Blob and File.

const bytes = require('./bytes');

function partOf(given) {
  if (given instanceof Blob) return Blob._bytes(given);
  return bytes.of(given) ?? host.utf8(`${given}`);
}

class Blob {
  #bytes;
  #type;

  constructor(parts = [], options = {}) {
    if (parts === null || typeof parts !== 'object'
      || typeof parts[Symbol.iterator] !== 'function')
      throw require('./errors').argType('sources', 'a sequence', parts);
    this.#bytes = bytes.concat([...parts].map(partOf));
    const type = `${options?.type ?? ''}`;
    this.#type = /[^\x20-\x7e]/.test(type) ? '' : type.toLowerCase();
  }

  static _bytes(blob) {
    return blob.#bytes;
  }

  get size() {
    return this.#bytes.length;
  }

  get type() {
    return this.#type;
  }

  slice(start = 0, end = this.size, type = '') {
    const place = (n) => (n < 0 ? Math.max(0, this.size + n)
      : Math.min(n, this.size));
    return new Blob([this.#bytes.subarray(place(start),
      Math.max(place(start), place(end)))], { type });
  }

  async arrayBuffer() {
    return this.#bytes.slice().buffer;
  }

  async bytes() {
    return this.#bytes.slice();
  }

  async text() {
    const { TextDecoder } = require('./text_codec');
    return new TextDecoder().decode(this.#bytes);
  }

  stream() {
    const { ReadableStream } = require('./stream');
    return ReadableStream.of(this.#bytes);
  }

  get [Symbol.toStringTag]() {
    return 'Blob';
  }
}
Object.defineProperty(Blob, '_bytes', { enumerable: false });

class File extends Blob {
  #name;
  #modified;

  constructor(parts, name, options = {}) {
    super(parts, options);
    this.#name = `${name}`;
    this.#modified = options?.lastModified ?? Date.now();
  }

  get name() {
    return this.#name;
  }

  get lastModified() {
    return this.#modified;
  }

  get [Symbol.toStringTag]() {
    return 'File';
  }
}

module.exports = { Blob, File };
