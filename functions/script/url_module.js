'use strict';
// require('url'): the classes, file URLs, and the old parse, format, resolve.

const { URL, URLSearchParams } = require('./url');
const { argType, coded } = require('./errors');
const querystring = require('./querystring');

// ---- the old way: an object of pieces, nothing normalised but case

function Url() {
  for (const name of ['protocol', 'slashes', 'auth', 'host', 'port', 'hostname',
    'hash', 'search', 'query', 'pathname', 'path', 'href'])
    this[name] = null;
}

const SLASHED = /^(https?|ftp|gopher|file|wss?):?$/;
const ESCAPED = /[\t\n\r "'<>\\^`{|}]/g;

function escaped(text) {
  return text.replace(ESCAPED, (char) =>
    `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function readHost(out, given) {
  let text = given;
  const at = text.lastIndexOf('@');
  if (at >= 0) {
    out.auth = decodeURIComponent(text.slice(0, at));
    text = text.slice(at + 1);
  }
  const port = /:([0-9]*)$/.exec(text);
  if (port) {
    if (port[1] !== '') out.port = port[1];
    text = text.slice(0, port.index);
  }
  const name = text.toLowerCase();
  out.hostname = name.replace(/^\[(.*)\]$/, '$1');
  if (/[^\x00-\x7f]/.test(out.hostname))
    out.hostname = require('./url_host').toAscii(out.hostname) ?? out.hostname;
  out.host = (name.startsWith('[') ? name : out.hostname)
    + (out.port !== null ? `:${out.port}` : '');
}

function parse(text, withQuery = false, slashesDenoteHost = false) {
  if (text instanceof Url) return text;
  if (typeof text !== 'string') throw argType('url', 'of type string', text);
  const out = new Url();
  let rest = text.trim();
  const hashAt = rest.indexOf('#');
  const queryEnd = rest.search(/[?#]/);
  const head = (queryEnd < 0 ? rest : rest.slice(0, queryEnd))
    .replaceAll('\\', '/');
  rest = head + (queryEnd < 0 ? '' : rest.slice(queryEnd));
  const protocol = /^[a-z0-9.+-]+:/i.exec(rest)?.[0];
  if (protocol) {
    out.protocol = protocol.toLowerCase();
    rest = rest.slice(protocol.length);
  }
  const isScript = out.protocol === 'javascript:';
  const hasSlashes = rest.startsWith('//') && !isScript && (slashesDenoteHost
    || protocol || /^\/\/[^@/]+@[^@/]+/.test(rest));
  if (hasSlashes || (protocol && !isScript && !SLASHED.test(out.protocol))) {
    if (hasSlashes) {
      out.slashes = true;
      rest = rest.slice(2);
    }
    const end = rest.search(/[/?#]/);
    readHost(out, end < 0 ? rest : rest.slice(0, end));
    rest = end < 0 ? '' : rest.slice(end);
  }
  if (!isScript) rest = escaped(rest);
  const hash = hashAt < 0 ? -1 : rest.indexOf('#');
  if (hash >= 0) {
    out.hash = rest.slice(hash);
    rest = rest.slice(0, hash);
  }
  const query = rest.indexOf('?');
  if (query >= 0) {
    out.search = rest.slice(query);
    out.query = rest.slice(query + 1);
    rest = rest.slice(0, query);
  } else if (withQuery) {
    out.search = null;
    out.query = '';
  }
  if (withQuery) out.query = querystring.parse(out.query);
  if (rest) out.pathname = rest;
  if (out.slashes && SLASHED.test(out.protocol ?? '') && !out.pathname)
    out.pathname = '/';
  if (out.pathname || out.search)
    out.path = (out.pathname ?? '') + (out.search ?? '');
  out.href = format(out);
  return out;
}

function formatPieces(given) {
  let auth = given.auth || '';
  if (auth) auth = `${encodeURIComponent(auth).replace(/%3A/i, ':')}@`;
  let protocol = given.protocol || '';
  if (protocol && !protocol.endsWith(':')) protocol += ':';
  const name = given.hostname?.includes(':') && !given.hostname.startsWith('[')
    ? `[${given.hostname}]` : given.hostname;
  let place = given.host ? auth + given.host : name
    ? auth + name + (given.port ? `:${given.port}` : '') : null;
  let pathname = given.pathname || '';
  if (given.slashes || ((!protocol || SLASHED.test(protocol))
    && place !== null)) {
    place = `//${place ?? ''}`;
    if (pathname && pathname[0] !== '/') pathname = `/${pathname}`;
  }
  const query = given.query !== null && typeof given.query === 'object'
    ? querystring.stringify(given.query) : '';
  let search = given.search || (query && `?${query}`) || '';
  if (search && search[0] !== '?') search = `?${search}`;
  let hash = given.hash || '';
  if (hash && hash[0] !== '#') hash = `#${hash}`;
  return protocol + (place ?? '') + pathname.replace(/[?#]/g, encodeURIComponent)
    + search.replaceAll('#', '%23') + hash;
}

function formatUrl(url, options) {
  const made = new URL(url.href);
  if (options.auth === false) made.username = made.password = '';
  if (options.fragment === false) made.hash = '';
  if (options.search === false) made.search = '';
  return made.href;
}

function format(given, options = {}) {
  if (typeof given === 'string') return formatPieces(parse(given));
  if (given === null || typeof given !== 'object')
    throw argType('urlObject', 'one of type object or string', given);
  return given instanceof URL ? formatUrl(given, options) : formatPieces(given);
}
Url.prototype.format = function toText() {
  return format(this);
};

function resolve(from, to) {
  const base = new URL(from, 'resolve://host/');
  const made = new URL(to, base);
  if (made.protocol !== 'resolve:') return made.href;
  const text = made.pathname + made.search + made.hash;
  return from.startsWith('/') || to.startsWith('/') ? text : text.slice(1);
}

function fileURLToPath(given) {
  const url = typeof given === 'string' ? new URL(given) : given;
  if (!url || typeof url.href !== 'string')
    throw argType('path', 'of type string or an instance of URL', given);
  if (url.protocol !== 'file:')
    throw coded(TypeError, 'ERR_INVALID_URL_SCHEME',
      'The URL must be of scheme file');
  if (url.hostname !== '')
    throw coded(TypeError, 'ERR_INVALID_FILE_URL_HOST',
      'File URL host must be "localhost" or empty on linux');
  if (/%2f/i.test(url.pathname))
    throw coded(TypeError, 'ERR_INVALID_FILE_URL_PATH',
      'File URL path must not include encoded / characters');
  return decodeURIComponent(url.pathname);
}

function pathToFileURL(file) {
  const full = require('./path').resolve(file)
    + (file.endsWith('/') && file.length > 1 ? '/' : '');
  return new URL(`file://${full.replace(/[%\\\n\r\t?#]/g, encodeURIComponent)}`);
}

module.exports = {
  Url, URL, URLSearchParams,
  parse, format, resolve,
  resolveObject: (from, to) => parse(resolve(from, to)),
  fileURLToPath,
  pathToFileURL,
  domainToASCII: (name) => {
    try {
      return new URL(`ws://${name}`).hostname;
    } catch {
      return '';
    }
  },
  domainToUnicode: (name) => require('./punycode').toUnicode(name),
  urlToHttpOptions: (url) => ({ protocol: url.protocol,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'), hash: url.hash,
    search: url.search, pathname: url.pathname,
    path: url.pathname + url.search, href: url.href,
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(url.username && { auth: `${decodeURIComponent(url.username)}:${
      decodeURIComponent(url.password)}` }) }),
};
