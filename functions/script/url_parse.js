'use strict';
// The WHATWG URL parser (url.spec.whatwg.org, "basic URL parser"): text to
// {scheme, username, password, host, port, path, query, fragment}.
//
// The standard's state machine walks code points; this takes the text apart in
// the same order with the same rules, piece by piece.

const { parseHost } = require('./url_host');

const SPECIAL = { http: 80, https: 443, ws: 80, wss: 443, ftp: 21, file: null };
const isSpecial = (url) => Object.hasOwn(SPECIAL, url.scheme);

// ---- percent-encoding: what is encoded beyond controls and non-ASCII

const SETS = {
  fragment: ' "<>`',
  query: ' "#<>',
  specialQuery: ' "#<>\'',
  path: ' "#<>?`{}',
  userinfo: ' "#<>?^`{}/:;=@[\\]|',
  component: ' "#<>?^`{}/:;=@[\\]|$%&+,',
};

function hex(byte) {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

function encode(text, set) {
  const members = SETS[set] ?? '';
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0);
    if (code > 0x1f && code < 0x7f && !members.includes(char)) out += char;
    else for (const byte of host.utf8(char)) out += hex(byte);
  }
  return out;
}

const CLEAN = /^[A-Za-z0-9\-._~!$&()*+,;=:@/%]*$/;
const encodeFast = (text, set) => (CLEAN.test(text) && set !== 'userinfo'
  ? text : encode(text, set));

// ---- paths

const isDot = (part) => /^(\.|%2e)$/i.test(part);
const isDoubleDot = (part) => /^(\.|%2e){2}$/i.test(part);
const isDrive = (part) => /^[A-Za-z][:|]$/.test(part);
const isNormalDrive = (part) => /^[A-Za-z]:$/.test(part);

function shorten(url) {
  if (url.scheme === 'file' && url.path.length === 1
    && isNormalDrive(url.path[0]))
    return;
  url.path.pop();
}

function pushPath(url, text) {
  const parts = text.split(isSpecial(url) ? /[/\\]/ : '/');
  parts.forEach((given, i) => {
    const isLast = i === parts.length - 1;
    if (isDoubleDot(given)) {
      shorten(url);
      if (isLast) url.path.push('');
    } else if (isDot(given)) {
      if (isLast) url.path.push('');
    } else {
      let part = encodeFast(given, 'path');
      if (url.scheme === 'file' && url.path.length === 0 && isDrive(given))
        part = `${given[0]}:`;
      url.path.push(part);
    }
  });
}

// ---- authority

// false: not an authority.
function readAuthority(url, text) {
  const at = text.lastIndexOf('@');
  let place = text;
  if (at >= 0) {
    const who = text.slice(0, at);
    place = text.slice(at + 1);
    if (place === '') return false;
    const colon = who.indexOf(':');
    url.username = encode(colon < 0 ? who : who.slice(0, colon), 'userinfo');
    url.password = colon < 0 ? '' : encode(who.slice(colon + 1), 'userinfo');
  }
  const [name, port] = splitPort(place);
  if (name === '' && isSpecial(url)) return false;
  if (name === '' && (at >= 0 || port !== null)) return false;
  const host = parseHost(name, !isSpecial(url));
  if (host === null) return false;
  url.host = host;
  return port === null || setPort(url, port);
}

function splitPort(place) {
  const end = place.startsWith('[') ? place.indexOf(']') : 0;
  const colon = place.indexOf(':', Math.max(end, 0));
  return colon < 0 ? [place, null]
    : [place.slice(0, colon), place.slice(colon + 1)];
}

function setPort(url, text) {
  if (text === '') return true;
  if (!/^[0-9]+$/.test(text)) return false;
  const port = Number(text);
  if (port > 65535) return false;
  url.port = port === SPECIAL[url.scheme] ? null : port;
  return true;
}

// ---- the whole

function blank(scheme) {
  return { scheme, username: '', password: '', host: null, port: null,
    path: [], query: null, fragment: null };
}

function readTail(url, text) {
  const at = text.indexOf('?');
  if (at >= 0)
    url.query = encode(text.slice(at + 1),
      isSpecial(url) ? 'specialQuery' : 'query');
  return at < 0 ? text : text.slice(0, at);
}

// From after "//": authority and path.
function readPlace(url, text) {
  const end = text.search(isSpecial(url) ? /[/\\]/ : /\//);
  const authority = end < 0 ? text : text.slice(0, end);
  const rest = end < 0 ? '' : text.slice(end);
  if (!readAuthority(url, authority)) return null;
  return readPath(url, rest);
}

function readPath(url, text) {
  if (text === '' && !isSpecial(url)) return url;
  const first = text[0];
  const hasSlash = first === '/' || (first === '\\' && isSpecial(url));
  pushPath(url, hasSlash ? text.slice(1) : text);
  return url;
}

function copyPlace(url, base) {
  url.username = base.username;
  url.password = base.password;
  url.host = base.host;
  url.port = base.port;
}

function readRelative(url, base, text, hadQuery) {
  const isSlash = (char) => char === '/' || (char === '\\' && isSpecial(url));
  if (isSlash(text[0]) && isSlash(text[1])) {
    const place = isSpecial(url) ? text.replace(/^[/\\]+/, '') : text.slice(2);
    return readPlace(url, place);
  }
  copyPlace(url, base);
  if (isSlash(text[0])) return readPath(url, text);
  url.path = [...base.path];
  if (text !== '') {
    shorten(url);
    pushPath(url, text);
  } else if (!hadQuery) {
    url.query = base.query;
  }
  return url;
}

function readFile(url, base, text, hadQuery) {
  const isSlash = (char) => char === '/' || char === '\\';
  const isBase = base && base.scheme === 'file';
  url.host = '';
  if (isSlash(text[0]) && isSlash(text[1])) return readFileHost(url, text.slice(2));
  if (isSlash(text[0])) {
    if (isBase) {
      url.host = base.host;
      const rest = text.slice(1);
      if (!startsWithDrive(rest) && isNormalDrive(base.path[0] ?? ''))
        url.path.push(base.path[0]);
    }
    pushPath(url, text.slice(1));
    return url;
  }
  if (!isBase) {
    pushPath(url, text);
    return url;
  }
  url.host = base.host;
  url.path = [...base.path];
  if (text === '') {
    if (!hadQuery) url.query = base.query;
    return url;
  }
  if (startsWithDrive(text)) url.path = [];
  else shorten(url);
  pushPath(url, text);
  return url;
}

function startsWithDrive(text) {
  return /^[A-Za-z][:|]($|[/\\?#])/.test(text);
}

function readFileHost(url, text) {
  const end = text.search(/[/\\]/);
  const name = end < 0 ? text : text.slice(0, end);
  if (isDrive(name)) {
    pushPath(url, text);
    return url;
  }
  if (name !== '') {
    const host = parseHost(name, false);
    if (host === null) return null;
    url.host = host === 'localhost' ? '' : host;
  }
  return readPath(url, end < 0 ? '' : text.slice(end));
}

// After "scheme:".
function readAbsolute(url, base, text, hadQuery) {
  if (url.scheme === 'file') return readFile(url, base, text, hadQuery);
  if (isSpecial(url)) {
    if (base && base.scheme === url.scheme && !/^[/\\]{2}/.test(text)
      && !/^\/\//.test(text))
      return readRelative(url, base, text, hadQuery);
    return readPlace(url, text.replace(/^[/\\]*/, ''));
  }
  if (text.startsWith('//')) return readPlace(url, text.slice(2));
  if (text.startsWith('/')) return readPath(url, text);
  url.path = opaque(text, hadQuery);
  return url;
}

// A path without slashes: only controls are encoded.  A space at its very end
// would be lost when the URL is read again, so that one is.
function opaque(text) {
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0);
    if (code > 0x1f && code < 0x7f) out += char;
    else for (const byte of host.utf8(char)) out += hex(byte);
  }
  return out;
}

// null: not a URL.
function parse(given, base) {
  let text = given.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, '')
    .replace(/[\t\n\r]/g, '');
  let fragment = null;
  const hash = text.indexOf('#');
  if (hash >= 0) {
    fragment = encode(text.slice(hash + 1), 'fragment');
    text = text.slice(0, hash);
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(text);
  let url;
  if (scheme) {
    url = blank(scheme[1].toLowerCase());
    const rest = text.slice(scheme[0].length);
    const tail = readTail(url, rest);
    url = readAbsolute(url, base, tail, tail.length < rest.length);
  } else if (!base || (typeof base.path === 'string'
    && (text !== '' || fragment === null))) {
    return null;
  } else if (typeof base.path === 'string') {
    url = { ...base };
  } else {
    url = blank(base.scheme);
    const tail = readTail(url, text);
    const hadQuery = tail.length < text.length;
    url = base.scheme === 'file' ? readFile(url, base, tail, hadQuery)
      : readRelative(url, base, tail, hadQuery);
  }
  if (url) url.fragment = fragment;
  return url;
}

function pathText(url) {
  if (typeof url.path === 'string') return url.path;
  return url.path.map((part) => `/${part}`).join('');
}

function serialize(url, withFragment = true) {
  let out = `${url.scheme}:`;
  if (url.host !== null) {
    out += '//';
    if (url.username !== '' || url.password !== '')
      out += `${url.username}${url.password ? `:${url.password}` : ''}@`;
    out += url.host;
    if (url.port !== null) out += `:${url.port}`;
  } else if (typeof url.path !== 'string' && url.path.length > 1
    && url.path[0] === '') {
    out += '/.';
  }
  out += pathText(url);
  if (url.query !== null) out += `?${url.query}`;
  if (withFragment && url.fragment !== null) out += `#${url.fragment}`;
  return out;
}

module.exports = { parse, serialize, pathText, pushPath, encode, isSpecial,
  setPort, splitPort, SPECIAL, parseHost };
