'use strict';
// Hosts of URLs: names, IPv4 in all its spellings, IPv6, and what other
// schemes put there.

const punycode = require('./punycode');

const FORBIDDEN = /[\x00\t\n\r #/:<>?@[\\\]^|]/;
const FORBIDDEN_DOMAIN = /[\x00-\x20#%/:<>?@[\\\]^|\x7f]/;

function decoded(text) {
  if (!text.includes('%')) return text;
  const bytes = [];
  const given = host.utf8(text);
  for (let i = 0; i < given.length; i++) {
    const two = given[i] === 37
      ? String.fromCharCode(given[i + 1], given[i + 2]) : '';
    if (/^[0-9A-Fa-f]{2}$/.test(two)) {
      bytes.push(parseInt(two, 16));
      i += 2;
    } else {
      bytes.push(given[i]);
    }
  }
  return require('./buffer_codec').utf8(Uint8Array.from(bytes));
}

// ---- IPv4

// One part of a dotted number; NaN: none.
function ipv4Part(text) {
  if (text === '') return NaN;
  if (/^0x[0-9a-f]*$/i.test(text)) return text.length === 2 ? 0
    : parseInt(text, 16);
  if (/^0[0-7]*$/.test(text)) return parseInt(text, 8);
  return /^[0-9]+$/.test(text) && text[0] !== '0' ? Number(text) : NaN;
}

function endsInNumber(text) {
  const parts = text.split('.');
  if (parts[parts.length - 1] === '' && parts.length > 1) parts.pop();
  const last = parts[parts.length - 1];
  return /^[0-9]+$/.test(last) || /^0x[0-9a-f]*$/i.test(last);
}

function parseIpv4(text) {
  const parts = text.split('.');
  if (parts[parts.length - 1] === '' && parts.length > 1) parts.pop();
  if (parts.length > 4) return null;
  const numbers = parts.map(ipv4Part);
  const last = numbers.pop();
  if (numbers.some((n) => !(n <= 255))
    || !(last < 256 ** (4 - numbers.length)))
    return null;
  let value = last;
  numbers.forEach((n, i) => {
    value += n * 256 ** (3 - i);
  });
  return [24, 16, 8, 0].map((shift) =>
    Math.floor(value / 2 ** shift) % 256).join('.');
}

// ---- IPv6

function pieces(text) {
  if (text === '') return [];
  return text.split(':');
}

function ipv4Tail(text) {
  const parts = text.split('.');
  if (parts.length !== 4
    || !parts.every((p) => /^(0|[1-9][0-9]{0,2})$/.test(p) && Number(p) <= 255))
    return null;
  const [a, b, c, d] = parts.map(Number);
  return [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)];
}

function parseIpv6(given) {
  let text = given;
  const dotted = /(^|:)([^:]*\.[^:]*)$/.exec(text);
  if (dotted) {
    const two = ipv4Tail(dotted[2]);
    if (!two) return null;
    text = text.slice(0, text.length - dotted[2].length) + two.join(':');
  }
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const before = pieces(halves[0]);
  const after = halves.length === 2 ? pieces(halves[1]) : [];
  const count = before.length + after.length;
  if (halves.length === 2 ? count > 7 : count !== 8) return null;
  const all = [...before, ...Array(8 - count).fill('0'), ...after];
  if (!all.every((p) => /^[0-9a-fA-F]{1,4}$/.test(p))) return null;
  return `[${compressed(all.map((p) => parseInt(p, 16)))}]`;
}

// The longest run of zeros, the first of equals, becomes "::".
function compressed(numbers) {
  let best = [0, 0];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && numbers[end] === 0) end++;
    if (end - i > best[1]) best = [i, end - i];
    if (end > i) i = end;
  }
  const text = (list) => list.map((n) => n.toString(16)).join(':');
  const [at, length] = best;
  return length < 2 ? text(numbers)
    : `${text(numbers.slice(0, at))}::${text(numbers.slice(at + length))}`;
}

// ---- names

// Unicode names as IDNA does it, with the engine's tables for case and
// compatibility.
function toAscii(text) {
  const plain = text.normalize('NFKC').toLowerCase().normalize('NFKC')
    .replace(/[\u3002\uff0e\uff61]/g, '.')
    .replace(/[\u00ad\u200b\u2060\ufeff\ufe00-\ufe0f]/g, '');
  // Already encoded and not: neither.
  if (plain.split('.').some((label) => label.startsWith('xn--')
    && /[^\x00-\x7f]/.test(label)))
    return null;
  try {
    return punycode.toASCII(plain);
  } catch {
    return null;
  }
}

function isPuny(label) {
  if (!label.startsWith('xn--')) return true;
  try {
    const text = punycode.decode(label.slice(4));
    return text !== '' && /[^\x00-\x7f]/.test(text);
  } catch {
    return false;
  }
}

function parseHost(text, isOpaque) {
  if (text.startsWith('['))
    return text.endsWith(']') ? parseIpv6(text.slice(1, -1)) : null;
  if (isOpaque) {
    if (FORBIDDEN.test(text)) return null;
    return require('./url_parse').encode(text, '');
  }
  const name = decoded(text);
  const domain = /^[\x00-\x7f]*$/.test(name) ? name.toLowerCase() : toAscii(name);
  if (domain === null || domain === '' || FORBIDDEN_DOMAIN.test(domain)
    || !domain.split('.').every(isPuny))
    return null;
  return endsInNumber(domain) ? parseIpv4(domain) : domain;
}

module.exports = { parseHost, toAscii };
