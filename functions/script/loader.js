'use strict';
// require() for the author's code: files, folders, packages, as the page
// "Modules: CommonJS modules" of Node's documentation describes.

const builtins = require('./builtins');
const path = require('./path');
const resolver = require('./resolver');

const cache = Object.create(null);
let mainModule;

class Module {
  constructor(id, parent) {
    this.id = id;
    this.path = path.dirname(id);
    this.exports = {};
    this.filename = id;
    this.loaded = false;
    this.children = [];
    this.paths = resolver.folders(this.path);
    Object.defineProperty(this, 'parent', { value: parent, writable: true,
      configurable: true, enumerable: false });
    if (parent) parent.children.push(this);
  }

  require(request) {
    return load(request, this);
  }
}

// ---- what a file holds

const ES_MODULE = 'this is an ES module: script functions are CommonJS; '
  + 'write require() and exports or use the runtime node';

function refuseModule(file, line, words = ES_MODULE) {
  const shown = path.relative(host.codeDir, file) || file;
  const err = new Error(`${shown}${line ? `:${line}` : ''}: ${words}`);
  err.code = 'ERR_REQUIRE_ESM';
  return err;
}

// The engine's words with the place that they are about, as Node shows them.
function explain(err, source, file) {
  const found = host.checkSyntax(source);
  if (found && found.module) return refuseModule(file, found.line, found.message);
  if (!found) return err;
  const shown = path.relative(host.codeDir, file) || file;
  const wrong = new SyntaxError(found.message);
  const text = source.split('\n')[found.line - 1] ?? '';
  Object.defineProperty(wrong, 'stack', { writable: true, configurable: true,
    value: `${shown}:${found.line}\n${text}\n\nSyntaxError: ${found.message}`
      + `\n    at ${shown}:${found.line}` });
  return wrong;
}

const NAMES = ['exports', 'require', 'module', '__filename', '__dirname'];

function runScript(module, file) {
  let source = host.readText(file);
  if (source.startsWith('#!')) source = `//${source.slice(2)}`;
  let run;
  try {
    run = host.compile(source, file, NAMES);
  } catch (err) {
    throw err instanceof SyntaxError || err?.name === 'SyntaxError'
      ? explain(err, source, file) : err;
  }
  run.call(module.exports, module.exports, requireOf(module), module, file,
    path.dirname(file));
}

const extensions = Object.assign(Object.create(null), {
  '.js': runScript,
  '.json'(module, file) {
    try {
      module.exports = JSON.parse(host.readText(file));
    } catch (err) {
      err.message = `${file}: ${err.message}`;
      throw err;
    }
  },
  '.node'(module, file) {
    throw new Error(`${path.relative(host.codeDir, file)}: a script function `
      + 'loads no compiled addons; give the function "runtime": "node"');
  },
  '.mjs'(module, file) {
    throw refuseModule(file);
  },
});

function run(module, file) {
  const extension = path.extname(file);
  (extensions[extension] ?? extensions['.js'])(module, file);
  module.loaded = true;
}

// ---- require

function load(request, parent) {
  if (typeof request !== 'string')
    throw require('./errors').argType('id', 'of type string', request);
  if (request === '')
    throw require('./errors').argValue('id', request, 'must be a non-empty string');
  if (builtins.has(request)) return builtins.get(request);
  const file = resolver.resolve(request, parent);
  const known = cache[file];
  if (known) {
    if (parent && !parent.children.includes(known)) parent.children.push(known);
    return known.exports;
  }
  const module = new Module(file, parent);
  cache[file] = module;
  let done = false;
  try {
    run(module, file);
    done = true;
  } finally {
    if (!done) delete cache[file];
  }
  return module.exports;
}

function requireOf(module) {
  const own = (request) => load(request, module);
  Object.defineProperty(own, 'name', { value: 'require' });
  own.resolve = (request, options) => {
    if (typeof request !== 'string')
      throw require('./errors').argType('request', 'of type string', request);
    return builtins.has(request) ? request
      : resolver.resolve(request, module, options);
  };
  own.resolve.paths = (request) => (builtins.has(request) ? null
    : /^\.{0,2}\//.test(request) ? [module.path] : module.paths);
  own.cache = cache;
  own.extensions = extensions;
  own.main = mainModule;
  return own;
}

function createRequire(from) {
  const file = String(from).startsWith('file:')
    ? require('./url_module').fileURLToPath(from) : String(from);
  return requireOf(new Module(file.endsWith('/') ? `${file}noop.js` : file));
}

module.exports = {
  // The exports of the author's entry: "index", "lib/index", with or without
  // an extension.
  start(base) {
    const wanted = path.join(host.codeDir, base);
    let file;
    try {
      file = resolver.resolve(wanted, null);
    } catch (err) {
      if (host.stat(`${wanted}.mjs`) === 1) throw refuseModule(`${wanted}.mjs`);
      throw err;
    }
    mainModule = new Module(file, undefined);
    mainModule.id = '.';
    cache[file] = mainModule;
    run(mainModule, file);
    return mainModule.exports;
  },
  // require('module')
  get module() {
    return Object.assign(Module, { Module, createRequire, _cache: cache,
      _extensions: extensions, builtinModules: builtins.names,
      isBuiltin: builtins.has,
      _resolveFilename: (request, parent) => resolver.resolve(request, parent),
      _load: load });
  },
};
