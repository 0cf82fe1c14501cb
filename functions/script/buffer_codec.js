'use strict';
// Texts to bytes and back in the encodings that Buffer knows.

const base64 = require('./base64');

// Does the host leave a byte order mark in its text?
const dropsMark = host.text(Uint8Array.of(0xef, 0xbb, 0xbf)) === '';
const CHUNK = 8192;

function utf8(bytes) {
  const text = host.text(bytes);
  return dropsMark && bytes[0] === 0xef && bytes[1] === 0xbb
    && bytes[2] === 0xbf ? `\ufeff${text}` : text;
}

function ofUnits(units) {
  if (units.length <= CHUNK) return String.fromCharCode.apply(null, units);
  let out = '';
  for (let i = 0; i < units.length; i += CHUNK)
    out += String.fromCharCode.apply(null, units.subarray(i, i + CHUNK));
  return out;
}

function toLatin1(text) {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

function utf16(bytes) {
  const units = new Uint16Array(bytes.length >> 1);
  for (let i = 0; i < units.length; i++)
    units[i] = bytes[2 * i] | (bytes[2 * i + 1] << 8);
  return ofUnits(units);
}

function toUtf16(text) {
  const out = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    out[2 * i] = unit;
    out[2 * i + 1] = unit >> 8;
  }
  return out;
}

const HEX = Array.from({ length: 256 },
  (unused, byte) => byte.toString(16).padStart(2, '0'));

function hex(bytes) {
  let out = '';
  for (let i = 0; i < bytes.length; i++) out += HEX[bytes[i]];
  return out;
}

function nibble(code) {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

// Up to the first two that are no hexadecimal digits.
function toHex(text) {
  const out = new Uint8Array(text.length >> 1);
  for (let i = 0; i < out.length; i++) {
    const high = nibble(text.charCodeAt(2 * i));
    const low = nibble(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return out.subarray(0, i);
    out[i] = (high << 4) | low;
  }
  return out;
}

// name: [bytes of a text, text of bytes].
const CODECS = {
  utf8: [(text) => host.utf8(text), utf8],
  hex: [toHex, hex],
  base64: [base64.decode, (bytes) => base64.encode(bytes)],
  base64url: [base64.decode, (bytes) => base64.encode(bytes, true)],
  latin1: [toLatin1, ofUnits],
  ascii: [toLatin1, (bytes) => ofUnits(bytes.map((byte) => byte & 127))],
  utf16le: [toUtf16, utf16],
};
const ALIASES = { 'utf-8': 'utf8', binary: 'latin1', ucs2: 'utf16le',
  'ucs-2': 'utf16le', 'utf-16le': 'utf16le' };

// The encoding's one name, or undefined.
function nameOf(encoding) {
  if (encoding === undefined || encoding === null || encoding === '')
    return 'utf8';
  if (typeof encoding === 'string' && Object.hasOwn(CODECS, encoding))
    return encoding;
  const lower = String(encoding).toLowerCase();
  if (Object.hasOwn(CODECS, lower)) return lower;
  return Object.hasOwn(ALIASES, lower) ? ALIASES[lower] : undefined;
}

function codec(encoding) {
  const name = nameOf(encoding);
  if (name === undefined)
    throw require('./errors').coded(TypeError, 'ERR_UNKNOWN_ENCODING',
      `Unknown encoding: ${encoding}`);
  return CODECS[name];
}

module.exports = {
  nameOf,
  encode: (text, encoding) => codec(encoding)[0](text),
  decode: (bytes, encoding) => codec(encoding)[1](bytes),
  latin1: ofUnits,
  utf16,
  utf8,
};
