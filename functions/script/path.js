'use strict';
// require('path'): POSIX paths, as Node's documentation describes them.

function check(value, name) {
  if (typeof value !== 'string')
    throw require('./errors').argType(name, 'of type string', value);
}

// "." and ".." taken out; those above the top stay when the path is relative.
function squeeze(text, isAbsolute) {
  const out = [];
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') out.push(part);
    else if (out.length > 0 && out[out.length - 1] !== '..') out.pop();
    else if (!isAbsolute) out.push('..');
  }
  return out.join('/');
}

function normalize(text) {
  check(text, 'path');
  if (text === '') return '.';
  const isAbsolute = text[0] === '/';
  const out = squeeze(text, isAbsolute);
  const tail = text.endsWith('/') && out !== '' ? '/' : '';
  if (isAbsolute) return `/${out}${tail}`;
  return out === '' ? (text.endsWith('/') ? './' : '.') : out + tail;
}

function join(...parts) {
  for (const part of parts) check(part, 'path');
  const text = parts.filter(Boolean).join('/');
  return text === '' ? '.' : normalize(text);
}

function resolve(...parts) {
  let text = '';
  for (let i = parts.length - 1; i >= -1 && text[0] !== '/'; i--) {
    const part = i >= 0 ? parts[i] : host.codeDir;
    if (i >= 0) check(part, `paths[${i}]`);
    if (part !== '') text = text === '' ? part : `${part}/${text}`;
  }
  const isAbsolute = text[0] === '/';
  const out = squeeze(text, isAbsolute);
  return isAbsolute ? `/${out}` : out || '.';
}

function relative(from, to) {
  check(from, 'from');
  check(to, 'to');
  if (from === to) return '';
  const a = resolve(from).split('/').filter(Boolean);
  const b = resolve(to).split('/').filter(Boolean);
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/');
}

// Where the last part of a path begins and ends, slashes at the end left out.
function last(text) {
  let to = text.length;
  while (to > 1 && text[to - 1] === '/') to--;
  const slash = text.lastIndexOf('/', to - 1);
  return [slash, to];
}

function dirname(text) {
  check(text, 'path');
  if (text === '') return '.';
  const [slash] = last(text);
  if (slash === -1) return '.';
  let to = slash;
  if (to === 0) return '/';
  if (text[to - 1] === '/' && to === 1) return '//';
  return text.slice(0, to) || '/';
}

function basename(text, suffix) {
  if (suffix !== undefined) check(suffix, 'suffix');
  check(text, 'path');
  let to = text.length;
  while (to > 0 && text[to - 1] === '/') to--;
  const name = text.slice(text.lastIndexOf('/', to - 1) + 1, to);
  if (suffix === text) return '';
  if (to === 0) return suffix && suffix.length <= text.length ? text : '';
  return suffix && name !== suffix && name.endsWith(suffix)
    ? name.slice(0, -suffix.length) : name;
}

function extname(text) {
  check(text, 'path');
  const name = basename(text);
  const dot = name.lastIndexOf('.');
  return dot <= 0 || name === '..' ? '' : name.slice(dot);
}

function parse(text) {
  check(text, 'path');
  const root = text[0] === '/' ? '/' : '';
  const base = basename(text);
  const ext = extname(text);
  const name = ext ? base.slice(0, base.length - ext.length) : base;
  let dir = root;
  if (base !== '') {
    const head = text.slice(0, text.lastIndexOf(base));
    dir = head === '/' || head === '' ? head : head.slice(0, -1);
  }
  return { root, dir, base, ext, name };
}

function format(parts) {
  if (parts === null || typeof parts !== 'object')
    throw require('./errors').argType('pathObject', 'of type object', parts);
  const dir = parts.dir || parts.root;
  const ext = parts.ext ? `${parts.ext[0] === '.' ? '' : '.'}${parts.ext}` : '';
  const base = parts.base || `${parts.name || ''}${ext}`;
  if (!dir) return base;
  return dir === parts.root ? `${dir}${base}` : `${dir}/${base}`;
}

function isAbsolute(text) {
  check(text, 'path');
  return text[0] === '/';
}

const path = {
  resolve, normalize, isAbsolute, join, relative, dirname, basename, extname,
  parse, format,
  toNamespacedPath: (text) => text,
  sep: '/',
  delimiter: ':',
};
path.posix = path;
path.win32 = null;

module.exports = path;
