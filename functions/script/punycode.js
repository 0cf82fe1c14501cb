'use strict';
// Punycode (RFC 3492): names with other letters in ASCII.

const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;

function adapt(delta, count, isFirst) {
  let rest = isFirst ? Math.floor(delta / 700) : delta >> 1;
  rest += Math.floor(rest / count);
  let k = 0;
  for (; rest > ((BASE - T_MIN) * T_MAX) >> 1; k += BASE)
    rest = Math.floor(rest / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + 38));
}

const threshold = (k, bias) => Math.min(Math.max(k - bias, T_MIN), T_MAX);
const digit = (n) => String.fromCharCode(n < 26 ? n + 97 : n + 22);

function number(code) {
  if (code >= 48 && code <= 57) return code - 22;
  const lower = code | 32;
  return lower >= 97 && lower <= 122 ? lower - 97 : BASE;
}

function encode(text) {
  const points = Array.from(text, (char) => char.codePointAt(0));
  const plain = points.filter((p) => p < 128);
  let out = String.fromCharCode(...plain) + (plain.length > 0 ? '-' : '');
  let n = 128;
  let delta = 0;
  let bias = 72;
  for (let done = plain.length; done < points.length;) {
    const next = Math.min(...points.filter((p) => p >= n));
    delta += (next - n) * (done + 1);
    n = next;
    for (const p of points) {
      if (p < n) delta++;
      if (p !== n) continue;
      let q = delta;
      for (let k = BASE; ; k += BASE) {
        const t = threshold(k, bias);
        if (q < t) break;
        out += digit(t + ((q - t) % (BASE - t)));
        q = Math.floor((q - t) / (BASE - t));
      }
      out += digit(q);
      bias = adapt(delta, done + 1, done === plain.length);
      delta = 0;
      done++;
    }
    delta++;
    n++;
  }
  return out;
}

function decode(text) {
  const at = text.lastIndexOf('-');
  const out = Array.from(at > 0 ? text.slice(0, at) : '');
  if (out.some((char) => char.charCodeAt(0) > 127))
    throw new RangeError('Illegal input >= 0x80 (not a basic code point)');
  let n = 128;
  let i = 0;
  let bias = 72;
  for (let from = at > 0 ? at + 1 : 0; from < text.length;) {
    const before = i;
    let weight = 1;
    for (let k = BASE; ; k += BASE) {
      const value = from < text.length ? number(text.charCodeAt(from++)) : BASE;
      if (value >= BASE) throw new RangeError('Invalid input');
      i += value * weight;
      const t = threshold(k, bias);
      if (value < t) break;
      weight *= BASE - t;
    }
    bias = adapt(i - before, out.length + 1, before === 0);
    n += Math.floor(i / (out.length + 1));
    i %= out.length + 1;
    out.splice(i++, 0, String.fromCodePoint(n));
  }
  return out.join('');
}

function labels(name, change) {
  const at = name.lastIndexOf('@');
  return name.slice(0, at + 1)
    + name.slice(at + 1).split(/[.\u3002\uff0e\uff61]/).map(change).join('.');
}

module.exports = {
  version: '2.1.0',
  encode,
  decode,
  toASCII: (name) => labels(name, (label) =>
    (/[^\0-\x7f]/.test(label) ? `xn--${encode(label)}` : label)),
  toUnicode: (name) => labels(name, (label) => (label.startsWith('xn--')
    ? decode(label.slice(4).toLowerCase()) : label)),
  ucs2: {
    decode: (text) => Array.from(text, (char) => char.codePointAt(0)),
    encode: (points) => String.fromCodePoint(...points),
  },
};
