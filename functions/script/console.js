'use strict';
// The global `console`: each call is a line of the invocation's log, with the
// level that Node's stream would give it.

const log = require('./log');

const LEVELS = { debug: 0, log: 1, info: 1, warn: 2, error: 3 };
let indent = '';
const counts = new Map();
const times = new Map();

function text(args) {
  if (args.length === 1 && typeof args[0] === 'string') return args[0];
  return require('./inspect').format(...args);
}

function write(level, said) {
  const shown = said.includes('@') ? require('./stack').readable(said) : said;
  log.line(level, indent ? indent + shown.replaceAll('\n', `\n${indent}`)
    : shown);
}

function elapsed(ms) {
  if (ms >= 3600000) {
    const minutes = Math.floor(ms / 60000) % 60;
    return `${Math.floor(ms / 3600000)}:${String(minutes).padStart(2, '0')}:${
      String(Math.floor(ms / 1000) % 60).padStart(2, '0')} (h:mm:ss)`;
  }
  if (ms >= 60000)
    return `${Math.floor(ms / 60000)}:${
      ((ms / 1000) % 60).toFixed(3).padStart(6, '0')} (m:ss.mmm)`;
  return ms >= 1000 ? `${(ms / 1000).toFixed(3)}s`
    : `${Number(ms.toFixed(3))}ms`;
}

function timer(label) {
  if (!times.has(label))
    require('./process').process.emitWarning(
      `No such label '${label}' for console.timeLog()`);
  return times.has(label) ? host.mono() - times.get(label) : null;
}

const console = {
  assert(condition, ...args) {
    if (condition) return;
    if (typeof args[0] === 'string') args[0] = `Assertion failed: ${args[0]}`;
    else args.unshift('Assertion failed');
    console.warn(...args);
  },
  clear() {},
  count(label = 'default') {
    const name = `${label}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    console.log(`${name}: ${counts.get(name)}`);
  },
  countReset(label = 'default') {
    counts.delete(`${label}`);
  },
  dir(value, options) {
    write(1, require('./inspect').inspect(value,
      { customInspect: false, ...options }));
  },
  dirxml: (...args) => console.log(...args),
  group(...args) {
    if (args.length > 0) console.log(...args);
    indent += '  ';
  },
  groupEnd() {
    indent = indent.slice(2);
  },
  table(data, columns) {
    if (data === null || typeof data !== 'object') console.log(data);
    else write(1, require('./console_table').render(data, columns));
  },
  time(label = 'default') {
    const name = `${label}`;
    if (times.has(name))
      require('./process').process.emitWarning(
        `Label '${name}' already exists for console.time()`);
    else times.set(name, host.mono());
  },
  timeEnd(label = 'default') {
    const ms = timer(`${label}`);
    if (ms === null) return;
    console.log('%s: %s', `${label}`, elapsed(ms));
    times.delete(`${label}`);
  },
  timeLog(label = 'default', ...args) {
    const ms = timer(`${label}`);
    if (ms !== null) console.log('%s: %s', `${label}`, elapsed(ms), ...args);
  },
  trace(...args) {
    const here = { name: 'Trace', message: text(args) };
    Error.captureStackTrace(here, console.trace);
    write(3, require('./stack').of(here).replace(/^(Error|Trace)?(: .*)?$/m,
      here.message ? `Trace: ${here.message}` : 'Trace'));
  },
  // wx-server-sdk's logger()
  __baseLog__(object, level) {
    write(LEVELS[level] ?? 1,
      typeof object === 'string' ? object : JSON.stringify(object));
  },
};
for (const [name, level] of Object.entries(LEVELS))
  console[name] = (...args) => write(level, text(args));
console.groupCollapsed = console.group;
console.profile = console.profileEnd = console.timeStamp = () => {};
Object.defineProperty(console, '__baseLog__', { enumerable: false });
Object.defineProperty(console, Symbol.toStringTag,
  { value: 'console', configurable: true });
console.Console = class Console {
  constructor() {
    return Object.create(console);
  }
};

module.exports = { console };
