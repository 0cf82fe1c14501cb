'use strict';
// TextEncoder and TextDecoder (utf-8, utf-16le, utf-16be, latin1).

const bytes = require('./bytes');
const codec = require('./buffer_codec');
const { coded, argType } = require('./errors');

class TextEncoder {
  get encoding() {
    return 'utf-8';
  }

  encode(text = '') {
    return host.utf8(`${text}`);
  }

  encodeInto(text, into) {
    if (typeof text !== 'string') throw argType('src', 'of type string', text);
    let read = 0;
    let written = 0;
    for (const char of text) {
      const one = host.utf8(char);
      if (written + one.length > into.length) break;
      into.set(one, written);
      written += one.length;
      read += char.length;
    }
    return { read, written };
  }

  get [Symbol.toStringTag]() {
    return 'TextEncoder';
  }
}

const LABELS = {
  'utf-8': ['utf-8', 'utf8', 'unicode-1-1-utf-8', 'unicode11utf8',
    'unicode20utf8', 'x-unicode20utf8'],
  'utf-16le': ['utf-16le', 'utf-16', 'ucs-2', 'unicode', 'csunicode',
    'iso-10646-ucs-2', 'unicodefeff'],
  'utf-16be': ['utf-16be', 'unicodefffe'],
  'windows-1252': ['latin1', 'windows-1252', 'iso-8859-1', 'iso8859-1', 'ascii',
    'us-ascii', 'cp1252', 'cp819', 'l1', 'ansi_x3.4-1968', 'csisolatin1',
    'ibm819', 'iso-ir-100', 'iso88591', 'iso_8859-1', 'iso_8859-1:1987',
    'x-cp1252'],
};

// 0x80 to 0x9f of windows-1252, which the web means by latin1.
const HIGH = '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

// How many bytes of utf-8 at the end belong to a character that goes on.
function openEnd(data) {
  for (let back = 1; back <= Math.min(3, data.length); back++) {
    const at = data.length - back;
    const byte = data[at];
    if ((byte & 0xc0) === 0x80) continue;
    const need = byte >= 0xf0 && byte <= 0xf4 ? 4
      : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
    if (need <= back) return 0;
    return isStart(data, at, back) ? back : 0;
  }
  return 0;
}

// Is what follows a first byte still a beginning of something?
function isStart(data, at, count) {
  if (count < 2) return true;
  const [low, high] = { 0xe0: [0xa0, 0xbf], 0xed: [0x80, 0x9f],
    0xf0: [0x90, 0xbf], 0xf4: [0x80, 0x8f] }[data[at]] ?? [0x80, 0xbf];
  return data[at + 1] >= low && data[at + 1] <= high;
}

class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #rest = new Uint8Array(0);
  #isFresh = true;

  constructor(label = 'utf-8', options = {}) {
    const wanted = `${label}`.trim().toLowerCase();
    this.#encoding = Object.keys(LABELS).find((name) =>
      LABELS[name].includes(wanted));
    if (!this.#encoding)
      throw coded(RangeError, 'ERR_ENCODING_NOT_SUPPORTED',
        `The "${label}" encoding is not supported`);
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
  }

  get encoding() {
    return this.#encoding;
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input = new Uint8Array(0), options = {}) {
    const given = bytes.of(input);
    if (!given)
      throw argType('list', 'an instance of SharedArrayBuffer, ArrayBuffer or ArrayBufferView', input);
    const isStream = Boolean(options?.stream);
    let data = this.#rest.length > 0 ? bytes.concat([this.#rest, given]) : given;
    const keep = isStream ? this.#open(data) : 0;
    this.#rest = data.slice(data.length - keep);
    data = data.subarray(0, data.length - keep);
    let text = this.#text(data);
    if (this.#isFresh && data.length > 0) {
      if (!this.#ignoreBOM && text.charCodeAt(0) === 0xfeff
        && this.#encoding !== 'windows-1252')
        text = text.slice(1);
      this.#isFresh = false;
    }
    if (!isStream) {
      this.#isFresh = true;
      this.#rest = new Uint8Array(0);
    }
    return text;
  }

  #open(data) {
    if (this.#encoding === 'utf-8') return openEnd(data);
    if (this.#encoding === 'windows-1252') return 0;
    const odd = data.length % 2;
    if (data.length - odd < 2) return odd;
    const last = data[data.length - odd
      - (this.#encoding === 'utf-16le' ? 1 : 2)];
    return (last & 0xfc) === 0xd8 ? odd + 2 : odd;
  }

  #text(data) {
    if (this.#encoding === 'windows-1252')
      return codec.latin1(data).replace(/[\x80-\x9f]/g,
        (char) => HIGH[char.charCodeAt(0) - 0x80]);
    let text;
    let isWrong;
    if (this.#encoding === 'utf-8') {
      text = codec.utf8(data);
      isWrong = this.#fatal && text.includes('\ufffd')
        && host.utf8(text).some((byte, i) => byte !== data[i]);
    } else {
      const straight = this.#encoding === 'utf-16le' ? data : turned(data);
      const raw = codec.utf16(straight);
      text = raw.toWellFormed();
      isWrong = data.length % 2 === 1 || raw !== text;
      // Half a pair and half a unit at the end are one fault.
      if (data.length % 2 === 1 && !/[\ud800-\udbff]$/.test(raw))
        text += '\ufffd';
    }
    if (this.#fatal && isWrong) {
      this.#rest = new Uint8Array(0);
      this.#isFresh = true;
      throw coded(TypeError, 'ERR_ENCODING_INVALID_ENCODED_DATA',
        `The encoded data was not valid for encoding ${this.#encoding}`);
    }
    return text;
  }

  get [Symbol.toStringTag]() {
    return 'TextDecoder';
  }
}

function turned(data) {
  const out = data.slice(0, data.length & ~1);
  for (let i = 0; i < out.length; i += 2) [out[i], out[i + 1]] = [out[i + 1], out[i]];
  return out;
}

module.exports = { TextEncoder, TextDecoder };
