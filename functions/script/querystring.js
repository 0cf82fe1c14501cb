'use strict';
// require('querystring').

function escape(given) {
  const text = typeof given === 'string' ? given
    : typeof given === 'object' ? String(given) : `${given}`;
  if (!text.isWellFormed())
    throw require('./errors').coded(URIError, 'ERR_INVALID_URI', 'URI malformed');
  return encodeURIComponent(text);
}

function unescape(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return module.exports.unescapeBuffer(text).toString();
  }
}

function primitive(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : '';
  if (typeof value === 'bigint') return `${value}`;
  return typeof value === 'boolean' ? String(value) : '';
}

function stringify(given, separator, equals, options) {
  const sep = separator || '&';
  const eq = equals || '=';
  const encode = options?.encodeURIComponent ?? module.exports.escape;
  if (given === null || typeof given !== 'object') return '';
  return Object.keys(given).flatMap((key) => {
    const head = `${encode(key)}${eq}`;
    const value = given[key];
    return Array.isArray(value)
      ? value.map((each) => head + encode(primitive(each)))
      : head + encode(primitive(value));
  }).join(sep);
}

function parse(text, separator, equals, options) {
  const out = Object.create(null);
  if (typeof text !== 'string' || text === '') return out;
  const sep = separator || '&';
  const eq = equals || '=';
  const decode = options?.decodeURIComponent ?? module.exports.unescape;
  const read = (piece) => {
    const plus = piece.replaceAll('+', ' ');
    try {
      return plus.includes('%') ? decode(plus) : plus;
    } catch {
      return unescape(plus);
    }
  };
  const top = options?.maxKeys ?? 1000;
  let pieces = text.split(sep);
  if (top > 0) pieces = pieces.slice(0, top);
  for (const piece of pieces) {
    if (piece === '') continue;
    const at = piece.indexOf(eq);
    const key = read(at < 0 ? piece : piece.slice(0, at));
    const value = at < 0 ? '' : read(piece.slice(at + eq.length));
    if (!(key in out)) out[key] = value;
    else if (Array.isArray(out[key])) out[key].push(value);
    else out[key] = [out[key], value];
  }
  return out;
}

module.exports = {
  escape, unescape, stringify, parse,
  encode: stringify,
  decode: parse,
  unescapeBuffer(text) {
    const { Buffer } = require('./buffer');
    const given = Buffer.from(`${text}`);
    const bytes = [];
    for (let i = 0; i < given.length; i++) {
      const two = given.toString('latin1', i + 1, i + 3);
      if (given[i] === 37 && /^[0-9A-Fa-f]{2}$/.test(two)) {
        bytes.push(parseInt(two, 16));
        i += 2;
      } else {
        bytes.push(given[i]);
      }
    }
    return Buffer.from(bytes);
  },
};
