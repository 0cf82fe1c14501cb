'use strict';
// require('string_decoder'): text of bytes that come in pieces.

const codec = require('./buffer_codec');
const bytes = require('./bytes');

// How many bytes at the end wait for more, by encoding.
function waits(name, data) {
  if (name === 'utf16le') {
    const odd = data.length % 2;
    const high = data[data.length - odd - 1];
    return data.length - odd >= 2 && (high & 0xfc) === 0xd8 ? odd + 2 : odd;
  }
  if (name === 'base64' || name === 'base64url') return data.length % 3;
  if (name !== 'utf8') return 0;
  for (let back = 1; back <= Math.min(3, data.length); back++) {
    const byte = data[data.length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const need = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3
      : byte >= 0xc0 ? 2 : 1;
    return byte < 0xf8 && need > back ? back : 0;
  }
  return 0;
}

class StringDecoder {
  #rest = new Uint8Array(0);

  constructor(encoding) {
    this.encoding = codec.nameOf(encoding);
    if (this.encoding === undefined)
      throw require('./errors').coded(TypeError, 'ERR_UNKNOWN_ENCODING',
        `Unknown encoding: ${encoding}`);
  }

  write(given) {
    if (typeof given === 'string') return given;
    const part = bytes.of(given);
    if (!part)
      throw require('./errors').argType('buf',
        'an instance of Buffer, TypedArray, or DataView', given);
    const data = this.#rest.length > 0 ? bytes.concat([this.#rest, part]) : part;
    const keep = waits(this.encoding, data);
    this.#rest = data.slice(data.length - keep);
    return codec.decode(data.subarray(0, data.length - keep), this.encoding);
  }

  end(given) {
    const text = given === undefined ? '' : this.write(given);
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    if (rest.length === 0) return text;
    return text + (this.encoding === 'utf8' ? '\ufffd'
      : codec.decode(rest, this.encoding));
  }

  get lastNeed() {
    return this.#rest.length > 0 ? 1 : 0;
  }
}

module.exports = { StringDecoder };
