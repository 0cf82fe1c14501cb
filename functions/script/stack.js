'use strict';
// Stacks as Node writes them: "Name: message", then "    at f (file:line:col)"
// with files as the author knows them, relative to his folder.
//
// The engine's own form is "f@file:line:col", without the message.  Errors that
// code makes get Node's form at once; those that the engine raises get it when
// they are told.

const words = require('./engine_words');

const CODE = `${host.codeDir}/`;
const RUNTIME = `${host.runtimeDir}/`;
const FRAME = /^([^@\n]*)@(.*?)(?::(\d+):(\d+))?$/;

function isNodeForm(text) {
  return /^\s+at /m.test(text);
}

// One line of the engine's form, or '' for what the author has no use for.
function frame(line) {
  const parts = FRAME.exec(line);
  if (!parts) return '';
  const [, called, file, row, column] = parts;
  if (file.startsWith(RUNTIME) || (!row && file !== '[native code]')) return '';
  const name = /^(global|eval|module|anonymous|)( code)?$/.test(called)
    ? '' : called;
  if (file === '[native code]') // wrap()'s Reflect.construct is nobody's
    return name && name !== 'construct' ? `    at ${name} (<anonymous>)` : '';
  const place = `${file.startsWith(CODE) ? file.slice(CODE.length) : file}:${
    row}:${column}`;
  return name ? `    at ${name} (${place})` : `    at ${place}`;
}

function frames(raw) {
  return raw.split('\n').map(frame).filter(Boolean).join('\n');
}

function header(err) {
  let name = 'Error';
  try {
    if (err.name !== undefined) name = String(err.name);
  } catch {
    // a class whose `name` is not ready while it is made
  }
  const message = err.message === undefined ? '' : words.message(err, name);
  return name && message ? `${name}: ${message}` : name || message;
}

// Of Node's form: the author's frames, his folder left out.
function trimmed(text) {
  return text.split('\n').filter((line) => !line.includes(RUNTIME)).join('\n')
    .split(CODE).join('');
}

// Node's form of an error's stack, whoever made it.
function of(err) {
  const raw = err.stack;
  if (typeof raw !== 'string' || raw === '') return header(err);
  if (isNodeForm(raw)) return trimmed(raw);
  const lines = frames(raw);
  // Set by somebody, to something else.
  if (!lines && !FRAME.test(raw.split('\n')[0])) return raw;
  return lines ? `${header(err)}\n${lines}` : header(err);
}

const CAUSES = 3;
const TOP = 16 * 1024;

// The same with what it was caused by, for the answer of a call.
function whole(err) {
  let text = of(err);
  let { cause } = err;
  for (let i = 0; i < CAUSES && cause instanceof Error; i++) {
    text += `\ncaused by ${of(cause)}`;
    cause = cause.cause;
  }
  return text.slice(0, TOP);
}

// Text that a person will read: the engine's frames in it become Node's.
function readable(text) {
  if (!text.includes('@')) return text;
  return text.replace(/^([^@\n]*)@(.*?):(\d+):(\d+)$/gm, (line, name, file) =>
    (file.startsWith(CODE) || file.startsWith(RUNTIME)
      ? frame(line) || line : line));
}

// `stack` of errors that code makes, in Node's form from the beginning: it is
// read, split and printed by many libraries.
function wrap(Native) {
  const made = {
    [Native.name]: function (...args) {
      const err = Reflect.construct(Native, args, new.target || made);
      restack(err);
      return err;
    },
  }[Native.name];
  Object.defineProperty(made, 'length', { value: Native.length });
  Object.defineProperty(made, 'prototype',
    { value: Native.prototype, writable: false });
  Object.defineProperty(Native.prototype, 'constructor',
    { value: made, writable: true, configurable: true });
  return made;
}

function restack(err) {
  const raw = err.stack;
  if (typeof raw !== 'string' || isNodeForm(raw)) return;
  const lines = frames(raw);
  const prepare = globalThis.Error.prepareStackTrace;
  Object.defineProperty(err, 'stack', { writable: true, configurable: true,
    value: typeof prepare === 'function'
      ? prepare(err, lines.split('\n').filter(Boolean).map(callSite))
      : lines ? `${header(err)}\n${lines}` : header(err) });
}

// A frame as V8 gives it to Error.prepareStackTrace.
function callSite(line) {
  const [, name, file, row, column]
    = /^ {4}at (?:(.*) \()?(.*?)(?::(\d+):(\d+))?\)?$/.exec(line);
  const no = () => null;
  return {
    getFileName: () => (row ? file : null),
    getLineNumber: () => (row ? Number(row) : null),
    getColumnNumber: () => (row ? Number(column) : null),
    getFunctionName: () => name ?? null,
    getTypeName: no, getMethodName: no, getEvalOrigin: no, getThis: no,
    getFunction: no, getScriptNameOrSourceURL: () => (row ? file : null),
    isNative: () => !row, isToplevel: () => true, isEval: () => false,
    isConstructor: () => false, isAsync: () => false,
    toString: () => line.slice(7),
  };
}

function install() {
  const NativeError = globalThis.Error;
  // This engine, or one that has Node's form already?
  if (isNodeForm(new NativeError('x').stack || '')) return;
  const capture = NativeError.captureStackTrace;
  const define = (name, value) => Object.defineProperty(globalThis, name,
    { value, writable: true, configurable: true });
  const Base = wrap(NativeError);
  define('Error', Base);
  Base.captureStackTrace = (target, above) => {
    if (capture) capture.call(NativeError, target, above);
    else target.stack = new NativeError().stack;
    restack(target);
  };
  Object.defineProperty(Base, 'stackTraceLimit', { enumerable: true,
    configurable: true, get: () => NativeError.stackTraceLimit,
    set: (n) => { NativeError.stackTraceLimit = n; } });
  for (const name of ['TypeError', 'RangeError', 'SyntaxError', 'EvalError',
    'ReferenceError', 'URIError', 'AggregateError'])
    define(name, Object.setPrototypeOf(wrap(globalThis[name]), Base));
}

module.exports = { of, whole, readable, header, install };
