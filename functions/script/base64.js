'use strict';
// Base64 both ways, as lenient as Node's Buffer; atob and btoa as the web's.

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = STANDARD.replace('+/', '-_');
const native = typeof Uint8Array.prototype.toBase64 === 'function';

const values = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) values[STANDARD.charCodeAt(i)] = i;
values[45] = 62; // "-"
values[95] = 63; // "_"

function encode(bytes, isUrl = false) {
  if (native)
    return Uint8Array.prototype.toBase64.call(bytes, isUrl
      ? { alphabet: 'base64url', omitPadding: true } : undefined);
  const letters = isUrl ? URL_SAFE : STANDARD;
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8)
      | (bytes[i + 2] ?? 0);
    const left = bytes.length - i;
    out += letters[three >> 18] + letters[(three >> 12) & 63]
      + (left > 1 ? letters[(three >> 6) & 63] : isUrl ? '' : '=')
      + (left > 2 ? letters[three & 63] : isUrl ? '' : '=');
  }
  return out;
}

// Both alphabets; what is neither is passed over, "=" ends it.
function decode(text) {
  if (native && !/[-_=]/.test(text)) {
    try {
      return Uint8Array.fromBase64(text);
    } catch {
      // something foreign in it
    }
  }
  const out = new Uint8Array(Math.floor((text.length * 3) / 4) + 1);
  let at = 0;
  let bits = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 61) break;
    const six = code < 128 ? values[code] : -1;
    if (six < 0) continue;
    bits = ((bits << 6) | six) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out[at++] = bits >> count;
  }
  return out.subarray(0, at);
}

function fault(message) {
  const { DOMException } = require('./dom_exception');
  return new DOMException(message, 'InvalidCharacterError');
}

module.exports = {
  encode,
  decode,

  btoa(given) {
    if (arguments.length === 0)
      throw require('./errors').coded(TypeError, 'ERR_MISSING_ARGS',
        'The "data" argument must be specified');
    const text = `${given}`;
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) throw fault('Invalid character');
      bytes[i] = code;
    }
    return encode(bytes);
  },

  atob(given) {
    if (arguments.length === 0)
      throw require('./errors').coded(TypeError, 'ERR_MISSING_ARGS',
        'The "data" argument must be specified');
    let text = `${given}`.replace(/[\t\n\f\r ]/g, '');
    if (text.length % 4 === 0) text = text.replace(/={1,2}$/, '');
    if (/[^A-Za-z0-9+/]/.test(text) || text.length % 4 === 1)
      throw fault(text.length % 4 === 1 && !/[^A-Za-z0-9+/]/.test(text)
        ? 'The string to be decoded is not correctly encoded.'
        : 'Invalid character');
    return require('./buffer_codec').latin1(decode(text));
  },
};
