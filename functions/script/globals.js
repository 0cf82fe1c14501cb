'use strict';
// The globals of the author's code.  Most are read when they are first touched:
// a function that never makes a URL does not pay for one.

const DIRECT = {
  global: () => globalThis,
  process: () => require('./process').process,
  console: () => require('./console').console,
};

// name: the file of ours that has it, and under which name there.
const LAZY = {
  Buffer: ['buffer', 'Buffer'],
  TextEncoder: ['text_codec', 'TextEncoder'],
  TextDecoder: ['text_codec', 'TextDecoder'],
  URL: ['url', 'URL'],
  URLSearchParams: ['url', 'URLSearchParams'],
  atob: ['base64', 'atob'],
  btoa: ['base64', 'btoa'],
  structuredClone: ['clone', 'structuredClone'],
  crypto: ['web_crypto', 'crypto'],
  Event: ['event', 'Event'],
  EventTarget: ['event', 'EventTarget'],
  CustomEvent: ['event', 'CustomEvent'],
  DOMException: ['dom_exception', 'DOMException'],
  AbortController: ['abort', 'AbortController'],
  AbortSignal: ['abort', 'AbortSignal'],
  Blob: ['blob', 'Blob'],
  File: ['blob', 'File'],
  FormData: ['form_data', 'FormData'],
  Headers: ['headers', 'Headers'],
  Request: ['request', 'Request'],
  Response: ['response', 'Response'],
  ReadableStream: ['stream', 'ReadableStream'],
  fetch: ['fetch', 'fetch'],
  performance: ['performance', 'performance'],
  setTimeout: ['timers', 'module'],
  setInterval: ['timers', 'module'],
  setImmediate: ['timers', 'module'],
  clearTimeout: ['timers', 'module'],
  clearInterval: ['timers', 'module'],
  clearImmediate: ['timers', 'module'],
  queueMicrotask: ['timers', 'queueMicrotask'],
};

function put(name, value) {
  Object.defineProperty(globalThis, name,
    { value, writable: true, configurable: true, enumerable: false });
  return value;
}

module.exports = {
  install() {
    for (const [name, make] of Object.entries(DIRECT)) put(name, make());
    for (const [name, [file, member]] of Object.entries(LAZY))
      Object.defineProperty(globalThis, name, {
        configurable: true,
        enumerable: false,
        get() {
          const found = require(`./${file}`)[member];
          return put(name, member === 'module' ? found[name] : found);
        },
        set(value) {
          put(name, value);
        },
      });
  },
};
