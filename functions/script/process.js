'use strict';
// The global `process`: what code reads of its surroundings.  There is no
// process of one's own to end or to signal.

const events = require('./process_events');
const identity = require('./identity');
const tick = require('./tick');

const started = host.mono();

function once(name, fn) {
  const wrapped = (...args) => {
    events.off(name, wrapped);
    fn.apply(process, args);
  };
  wrapped.listener = fn;
  events.on(name, wrapped);
  return process;
}

function hrtime(before) {
  const ns = Math.round(host.mono() * 1e6);
  let seconds = Math.floor(ns / 1e9);
  let rest = ns % 1e9;
  if (before !== undefined) {
    seconds -= before[0];
    rest -= before[1];
    if (rest < 0) {
      seconds--;
      rest += 1e9;
    }
  }
  return [seconds, rest];
}
hrtime.bigint = () => BigInt(Math.round(host.mono() * 1e6));

// Bytes: the engine tells one number where Node has four.
function memoryUsage() {
  const used = host.memory ? host.memory() : 0;
  return { rss: used, heapTotal: used, heapUsed: used, external: 0,
    arrayBuffers: 0 };
}
memoryUsage.rss = () => memoryUsage().rss;

function refuse(name) {
  return () => {
    throw require('./errors').coded(Error, 'ERR_FEATURE_UNAVAILABLE',
      `process.${name}() does not exist in a script function; use "runtime": "node"`);
  };
}

function stream(level) {
  return {
    isTTY: false,
    writable: true,
    fd: level < 2 ? 1 : 2,
    write(chunk, encoding, done) {
      const text = typeof chunk === 'string' ? chunk : host.text(chunk);
      require('./log').line(level, text.replace(/\n$/, ''));
      const callback = typeof encoding === 'function' ? encoding : done;
      if (callback) tick.later(callback);
      return true;
    },
    end() {},
    on() {
      return this;
    },
    once() {
      return this;
    },
  };
}

const process = {
  title: 'mpcloud',
  version: 'v20.20.2', // whose documentation our modules follow
  versions: { node: '20.20.2' },
  release: { name: 'mpcloud' },
  arch: 'x64',
  platform: 'linux',
  pid: 1,
  ppid: 0,
  argv: ['mpcloud', `${host.codeDir}/index.js`],
  argv0: 'mpcloud',
  execArgv: [],
  execPath: '/usr/bin/mpcloud',
  exitCode: undefined,
  features: {},
  config: { variables: {} },
  env: identity.env,
  nextTick: tick.later,
  hrtime,
  memoryUsage,
  uptime: () => (host.mono() - started) / 1000,
  cwd: () => host.codeDir,
  chdir: refuse('chdir'),
  umask: () => 0o22,
  getuid: () => 65534,
  geteuid: () => 65534,
  getgid: () => 65534,
  getegid: () => 65534,
  cpuUsage: () => ({ user: Math.round(process.uptime() * 1e6), system: 0 }),
  exit(code) {
    host.leaving();
    require('./invocation').failRunning(
      new Error(`process.exit(${code ?? ''}) was called`));
    if (host.exit) host.exit(Number(code) || 0);
    throw new Error(`process.exit(${code ?? ''}) was called`);
  },
  abort: refuse('abort'),
  kill: refuse('kill'),
  binding: refuse('binding'),
  emitWarning(warning, type = 'Warning') {
    const text = warning instanceof Error ? require('./stack').header(warning)
      : `${typeof type === 'object' ? type.type ?? 'Warning' : type}: ${warning}`;
    if (!events.emit('warning', warning)) require('./log').line(2, text);
  },
  on(name, fn) {
    events.on(name, fn);
    return process;
  },
  once,
  off(name, fn) {
    events.off(name, fn);
    return process;
  },
  emit: events.emit,
  listeners: (name) => events.list(name).map((fn) => fn.listener ?? fn),
  listenerCount: (name) => events.list(name).length,
  eventNames: events.names,
  removeAllListeners(name) {
    events.clear(name);
    return process;
  },
  setMaxListeners: () => process,
  getMaxListeners: () => 10,
};
process.addListener = process.on;
process.removeListener = process.off;
process.prependListener = process.on;

const streams = { stdout: 1, stderr: 3 };
for (const [name, level] of Object.entries(streams)) {
  let made = null;
  Object.defineProperty(process, name, { enumerable: true, configurable: true,
    get: () => (made ??= stream(level)) });
}
Object.defineProperty(process, Symbol.toStringTag,
  { value: 'process', configurable: true });

module.exports = { process };
