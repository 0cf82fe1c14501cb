'use strict';
// require('util').

const inspecting = require('./inspect');
const { argType } = require('./errors');

const CUSTOM_PROMISE = Symbol.for('nodejs.util.promisify.custom');

function checkFunction(name, fn) {
  if (typeof fn !== 'function')
    throw argType(name, 'of type function', fn);
}

function promisify(original) {
  checkFunction('original', original);
  const own = original[CUSTOM_PROMISE];
  if (own) {
    checkFunction('util.promisify.custom', own);
    return Object.defineProperty(own, CUSTOM_PROMISE,
      { value: own, configurable: true });
  }
  function fn(...args) {
    return new Promise((resolve, reject) => {
      original.call(this, ...args, (err, ...values) => {
        if (err) reject(err);
        else resolve(values[0]);
      });
    });
  }
  Object.setPrototypeOf(fn, Object.getPrototypeOf(original));
  Object.defineProperty(fn, CUSTOM_PROMISE, { value: fn, configurable: true });
  return Object.defineProperties(fn,
    Object.getOwnPropertyDescriptors(original));
}
promisify.custom = CUSTOM_PROMISE;

function callbackify(original) {
  checkFunction('original', original);
  const { later } = require('./tick');
  function fn(...args) {
    const callback = args.pop();
    checkFunction('last argument', callback);
    original.apply(this, args).then((value) => later(callback, null, value),
      (reason) => later(callback, reason || falsyReason(reason)));
  }
  Object.defineProperty(fn, 'name',
    { value: `${original.name}Callbackified`, configurable: true });
  Object.defineProperty(fn, 'length',
    { value: original.length + 1, configurable: true });
  return fn;
}

function falsyReason(reason) {
  const err = require('./errors').coded(Error, 'ERR_FALSY_VALUE_REJECTION',
    'Promise was rejected with falsy value');
  err.reason = reason;
  return err;
}

function inherits(constructor, parent) {
  checkFunction('ctor', constructor);
  checkFunction('superCtor', parent);
  if (parent.prototype === undefined)
    throw argType('superCtor.prototype', 'of type object', parent.prototype);
  Object.defineProperty(constructor, 'super_',
    { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

const told = new Set();

function deprecate(fn, message, code) {
  let isTold = false;
  function deprecated(...args) {
    if (!isTold && !(code && told.has(code))) {
      isTold = true;
      if (code) told.add(code);
      require('./process').process.emitWarning(
        code ? `[${code}] ${message}` : message, 'DeprecationWarning');
    }
    return new.target ? Reflect.construct(fn, args, new.target)
      : fn.apply(this, args);
  }
  Object.setPrototypeOf(deprecated, fn);
  if (fn.prototype) deprecated.prototype = fn.prototype;
  return deprecated;
}

function debuglog(section) {
  const wanted = String(require('./identity').get('NODE_DEBUG') ?? '')
    .toUpperCase().split(',').includes(section.toUpperCase());
  const write = (...args) => {
    if (wanted)
      require('./log').line(3, `${section.toUpperCase()} 1: ${
        inspecting.format(...args)}`);
  };
  return Object.assign(write, { enabled: wanted });
}

const ERRNO = { ENOENT: 2, EACCES: 13, EEXIST: 17, ENOTDIR: 20, EISDIR: 21,
  EINVAL: 22, ENOSPC: 28, EROFS: 30, ECONNREFUSED: 111 };

const util = {
  promisify,
  callbackify,
  inherits,
  deprecate,
  debuglog,
  debug: debuglog,
  inspect: inspecting.inspect,
  format: inspecting.format,
  formatWithOptions: inspecting.formatWithOptions,
  isDeepStrictEqual: (a, b) => require('./equal').strictly(a, b),
  stripVTControlCharacters: (text) =>
    text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, ''),
  toUSVString: (text) => `${text}`.toWellFormed(),
  getSystemErrorName: (n) =>
    Object.keys(ERRNO).find((name) => ERRNO[name] === -n),
  aborted: (signal) => new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  }),
  types: require('./util_types'),
  get TextEncoder() {
    return globalThis.TextEncoder;
  },
  get TextDecoder() {
    return globalThis.TextDecoder;
  },
  // Long deprecated, still asked for by old packages.
  isArray: Array.isArray,
  isBoolean: (v) => typeof v === 'boolean',
  isBuffer: (v) => require('./buffer').Buffer.isBuffer(v),
  isDate: (v) => util.types.isDate(v),
  isError: (v) => util.types.isNativeError(v) || v instanceof Error,
  isFunction: (v) => typeof v === 'function',
  isNull: (v) => v === null,
  isNullOrUndefined: (v) => v === null || v === undefined,
  isNumber: (v) => typeof v === 'number',
  isObject: (v) => v !== null && typeof v === 'object',
  isPrimitive: (v) => v === null
    || (typeof v !== 'object' && typeof v !== 'function'),
  isRegExp: (v) => util.types.isRegExp(v),
  isString: (v) => typeof v === 'string',
  isSymbol: (v) => typeof v === 'symbol',
  isUndefined: (v) => v === undefined,
  _extend: (target, source) => Object.assign(target, source),
};

module.exports = util;
