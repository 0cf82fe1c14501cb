'use strict';
// Stacks as Node writes them: "Name: message", then "    at f (file:line:col)"
// with files as the author knows them, relative to his folder.
//
// The engine's own form is "f@file:line:col", without the message.  Errors that
// code makes get Node's form at once; those that the engine raises get it when
// they are told.

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
  const name = err.name === undefined ? 'Error' : String(err.name);
  const message = err.message === undefined ? '' : String(err.message);
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
  Object.defineProperty(err, 'stack', { writable: true, configurable: true,
    value: lines ? `${header(err)}\n${lines}` : header(err) });
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

module.exports = { of, readable, header, install };
