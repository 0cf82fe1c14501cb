'use strict';
// Which file a require() means: Node's algorithm, without what needs a network
// or ES modules.

const builtins = require('./builtins');
const path = require('./path');

const EXTENSIONS = ['.js', '.json', '.node', '.cjs'];
const CONDITIONS = new Set(['node', 'require', 'default']);
const packages = new Map(); // folder: its package.json or null
const found = new Map();    // folder and request: file

function isFile(file) {
  return host.stat(file) === 1;
}

function packageOf(folder) {
  if (packages.has(folder)) return packages.get(folder);
  const file = `${folder}/package.json`;
  let read = null;
  if (isFile(file)) {
    try {
      read = JSON.parse(host.readText(file));
    } catch (err) {
      err.message = `Error parsing ${file}: ${err.message}`;
      throw err;
    }
  }
  packages.set(folder, read);
  return read;
}

function asFile(base) {
  if (isFile(base)) return base;
  const extension = EXTENSIONS.find((each) => isFile(base + each));
  return extension ? base + extension : null;
}

function asIndex(folder) {
  const extension = EXTENSIONS.find((each) => isFile(`${folder}/index${each}`));
  return extension ? `${folder}/index${extension}` : null;
}

function asFolder(folder) {
  if (host.stat(folder) !== 2) return null;
  const main = packageOf(folder)?.main;
  if (typeof main === 'string' && main) {
    const base = path.resolve(folder, main);
    const file = asFile(base) ?? asIndex(base);
    if (file) return file;
  }
  return asIndex(folder);
}

function asPath(base) {
  return (base.endsWith('/') ? null : asFile(base))
    ?? asFolder(base.length > 1 ? base.replace(/\/+$/, '') : base);
}

// ---- "exports" and "imports" of package.json

function target(folder, value, star) {
  if (typeof value === 'string')
    return value.startsWith('./')
      ? path.join(folder, star === undefined ? value
        : value.replaceAll('*', star)) : null;
  if (Array.isArray(value)) {
    for (const each of value) {
      const hit = target(folder, each, star);
      if (hit) return hit;
    }
    return null;
  }
  if (value === null || typeof value !== 'object') return null;
  for (const [name, each] of Object.entries(value))
    if (CONDITIONS.has(name)) {
      const hit = target(folder, each, star);
      if (hit) return hit;
    }
  return null;
}

// The row for `wanted` ("." or "./x"): exact ones first, then patterns with
// the longest beginning.
function lookUp(folder, table, wanted) {
  if (Object.hasOwn(table, wanted) && !wanted.includes('*'))
    return target(folder, table[wanted]);
  const patterns = Object.keys(table).filter((key) => key.includes('*'))
    .sort((a, b) => b.indexOf('*') - a.indexOf('*') || b.length - a.length);
  for (const pattern of patterns) {
    const [before, after] = pattern.split('*');
    if (wanted.startsWith(before) && wanted.endsWith(after)
      && wanted.length >= pattern.length)
      return target(folder, table[pattern],
        wanted.slice(before.length, wanted.length - after.length));
  }
  return null;
}

function exported(folder, exports, sub) {
  const isTable = typeof exports === 'object' && exports !== null
    && !Array.isArray(exports)
    && Object.keys(exports).some((key) => key.startsWith('.'));
  const wanted = sub ? `./${sub}` : '.';
  const file = lookUp(folder, isTable ? exports : { '.': exports }, wanted);
  if (file && isFile(file)) return file;
  const what = sub ? `Package subpath './${sub}' is not defined by "exports"`
    : 'No "exports" main defined';
  const err = new Error(`${what} in ${folder}/package.json`);
  err.code = 'ERR_PACKAGE_PATH_NOT_EXPORTED';
  throw err;
}

// ---- names

function folders(from) {
  const list = [];
  for (let at = from; ; at = path.dirname(at)) {
    if (path.basename(at) !== 'node_modules')
      list.push(at === '/' ? '/node_modules' : `${at}/node_modules`);
    if (at === '/' || at === '.') return list;
  }
}

// The folder that holds the package.json of `from`'s package, or null.
function scope(from) {
  for (let at = from; at.startsWith(host.codeDir); at = path.dirname(at))
    if (packageOf(at)) return at;
  return null;
}

function split(request) {
  const parts = request.split('/');
  const count = request.startsWith('@') ? 2 : 1;
  return [parts.slice(0, count).join('/'), parts.slice(count).join('/')];
}

// After the author's own folders: his project's layers and common code.
const SHARED = [host.codeDir, '/opt', '/opt/node_modules'];

function asPackage(request, paths) {
  const [name, sub] = split(request);
  for (const place of [...paths.filter((each) =>
    each.startsWith(host.codeDir)), ...SHARED]) {
    if (host.stat(place) !== 2) continue;
    const folder = `${place}/${name}`;
    const exports = packageOf(folder)?.exports;
    if (exports !== undefined && exports !== null)
      return exported(folder, exports, sub);
    const file = asPath(`${place}/${request}`);
    if (file) return file;
  }
  return null;
}

function asOwnName(request, from) {
  const folder = scope(from);
  const read = folder && packageOf(folder);
  const [name, sub] = split(request);
  return read && read.name === name && read.exports
    ? exported(folder, read.exports, sub) : null;
}

function asImport(request, from) {
  const folder = scope(from);
  const table = folder && packageOf(folder).imports;
  return table ? lookUp(folder, table, request) : null;
}

function missing(request, parent) {
  const stack = [];
  for (let at = parent; at; at = at.parent) stack.push(at.filename);
  const err = new Error(`Cannot find module '${request}'${
    stack.length ? `\nRequire stack:\n- ${stack.join('\n- ')}` : ''}`);
  err.code = 'MODULE_NOT_FOUND';
  err.requireStack = stack;
  return err;
}

function search(request, from, paths) {
  if (/^(\.{1,2}(\/|$)|\/)/.test(request)) {
    const base = path.resolve(from, request);
    return asPath(/(^|\/)\.{0,2}$/.test(request) && base !== '/'
      ? `${base}/` : base);
  }
  if (request.startsWith('#')) return asImport(request, from);
  return asOwnName(request, from) ?? asPackage(request, paths);
}

function resolve(request, parent, options) {
  const from = parent ? parent.path : host.codeDir;
  const key = `${from}\0${request}`;
  if (!options && found.has(key)) return found.get(key);
  let file = null;
  const starts = options?.paths ?? [from];
  for (const start of starts) {
    file = search(request, start, options?.paths ? folders(start)
      : parent?.paths ?? folders(start));
    if (file) break;
  }
  if (!file && builtins.isRefused(request)) throw builtins.refusal(request);
  if (!file && request.startsWith('node:')) {
    const err = new Error(`No such built-in module: ${request}`);
    err.code = 'ERR_UNKNOWN_BUILTIN_MODULE';
    throw err;
  }
  if (!file) throw missing(request, parent);
  if (!options) found.set(key, file);
  return file;
}

module.exports = { resolve, folders };
