'use strict';
// What require() finds without a file: Node's modules that we have, and ours.

const rows = {
  'wx-server-sdk': () => require('./sdk'),
  mpcloud: () => require('./mpcloud'),
  assert: () => require('./assert'),
  'assert/strict': () => require('./assert').strict,
  buffer: () => require('./buffer_module'),
  console: () => require('./console').console,
  crypto: () => require('./crypto'),
  events: () => require('./events'),
  fs: () => require('./fs'),
  'fs/promises': () => require('./fs').promises,
  module: () => require('./loader').module,
  os: () => require('./os'),
  path: () => require('./path'),
  'path/posix': () => require('./path'),
  perf_hooks: () => ({ performance: globalThis.performance }),
  process: () => require('./process').process,
  punycode: () => require('./punycode'),
  querystring: () => require('./querystring'),
  string_decoder: () => require('./string_decoder'),
  timers: () => require('./timers').module,
  'timers/promises': () => require('./timers').promises,
  tty: () => ({ isatty: () => false, ReadStream: class {}, WriteStream: class {} }),
  url: () => require('./url_module'),
  util: () => require('./util'),
  'util/types': () => require('./util_types'),
};
const OURS = ['wx-server-sdk', 'mpcloud'];

// Node has them, a script function has not.
const REFUSED = new Set(['async_hooks', 'child_process', 'cluster',
  'constants', 'dgram', 'diagnostics_channel', 'dns', 'dns/promises', 'domain',
  'http', 'http2', 'https', 'inspector', 'net', 'readline',
  'readline/promises', 'repl', 'sea', 'sqlite', 'stream', 'stream/consumers',
  'stream/promises', 'stream/web', 'sys', 'test', 'tls', 'trace_events',
  'v8', 'vm', 'wasi', 'worker_threads', 'zlib']);

const made = new Map();

function plain(name) {
  return name.startsWith('node:') ? name.slice(5) : name;
}

module.exports = {
  has(name) {
    const bare = plain(name);
    return Object.hasOwn(rows, bare)
      && (bare === name || !OURS.includes(bare));
  },
  get(name) {
    const bare = plain(name);
    if (!made.has(bare)) made.set(bare, rows[bare]());
    return made.get(bare);
  },
  isRefused: (name) => REFUSED.has(plain(name)),
  refusal(name) {
    const err = new Error(`require('${name}'): a script function has no module "${
      plain(name)}"; give the function "runtime": "node" to use it`);
    err.code = 'MODULE_NOT_FOUND';
    return err;
  },
  names: Object.keys(rows).filter((name) => !OURS.includes(name)),
};
