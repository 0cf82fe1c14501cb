'use strict';
// structuredClone: a copy of a value with its circles, or DataCloneError.

const types = require('./util_types');

function refuse(what) {
  const { DOMException } = require('./dom_exception');
  return new DOMException(`${what} could not be cloned.`, 'DataCloneError');
}

const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError,
  TypeError, URIError };

function cloneError(value, memo) {
  const Class = Object.hasOwn(ERRORS, String(value.name)) ? ERRORS[value.name]
    : Error;
  const out = Object.setPrototypeOf(new Error(), Class.prototype);
  memo.set(value, out);
  for (const name of ['stack', 'message'])
    if (name in value) Object.defineProperty(out, name, { writable: true,
      configurable: true, value: String(value[name]) });
  if (Object.hasOwn(value, 'cause'))
    Object.defineProperty(out, 'cause', { writable: true, configurable: true,
      value: clone(value.cause, memo) });
  return out;
}

function cloneView(value, memo) {
  const buffer = clone(value.buffer, memo);
  const name = types.typeName(value);
  const Class = name ? globalThis[name] : DataView;
  return new Class(buffer, value.byteOffset, name ? value.length
    : value.byteLength);
}

function members(value, out, memo) {
  for (const key of Object.keys(value)) out[key] = clone(value[key], memo);
  return out;
}

function cloneObject(value, memo) {
  const keep = (out) => {
    memo.set(value, out);
    return out;
  };
  if (Array.isArray(value))
    return members(value, keep(new Array(value.length)), memo);
  if (types.isDate(value)) return keep(new Date(value.getTime()));
  if (types.isRegExp(value)) return keep(new RegExp(value.source, value.flags));
  if (types.isBoxedPrimitive(value)) {
    if (types.isSymbolObject(value)) throw refuse('#<Symbol>');
    return keep(Object(value.valueOf()));
  }
  if (types.isMap(value)) {
    const out = keep(new Map());
    for (const [k, v] of [...value]) out.set(clone(k, memo), clone(v, memo));
    return out;
  }
  if (types.isSet(value)) {
    const out = keep(new Set());
    for (const each of [...value]) out.add(clone(each, memo));
    return out;
  }
  if (types.isSharedArrayBuffer(value)) return keep(value);
  if (types.isArrayBuffer(value)) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(cloneView(value, memo));
  if (types.isNativeError(value)) return cloneError(value, memo);
  const what = Object.prototype.toString.call(value);
  if (types.isPromise(value) || types.isWeakMap(value) || types.isWeakSet(value)
    || /^\[object (WeakRef|Generator|AsyncGenerator)\]$/.test(what))
    throw refuse(`#<${what.slice(8, -1)}>`);
  return members(value, keep({}), memo);
}

function clone(value, memo) {
  if (typeof value === 'symbol') throw refuse(String(value));
  if (typeof value === 'function') throw refuse(String(value));
  if (typeof value !== 'object' || value === null) return value;
  return memo.has(value) ? memo.get(value) : cloneObject(value, memo);
}

function structuredClone(value, options) {
  if (arguments.length === 0)
    throw require('./errors').coded(TypeError, 'ERR_MISSING_ARGS',
      'The "value" argument must be specified');
  const memo = new Map();
  for (const each of options?.transfer ?? []) {
    if (!types.isArrayBuffer(each)) throw refuse('Value in transfer list');
    memo.set(each, each.transfer ? each.transfer() : each.slice(0));
  }
  return clone(value, memo);
}

module.exports = { structuredClone };
