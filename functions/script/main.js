'use strict';
// What the template evaluates once, before any fork: the body of
// function (host) { … }.  It gives C the functions of `api` and the author's
// code its globals; everything that is rarely used is read when first asked for.

const loaded = new Map();

// A file of this folder, once.  They are CommonJS, with `host` beside require.
function own(name) {
  const key = name.startsWith('./') ? name.slice(2) : name;
  const known = loaded.get(key);
  if (known) return known.exports;
  const file = `${host.runtimeDir}/${key}.js`;
  const module = { exports: {} };
  loaded.set(key, module);
  host.compile(host.readText(file), file,
    ['require', 'module', 'exports', 'host'])(own, module, module.exports, host);
  return module.exports;
}

own('./stack').install();
own('./globals').install();
const loader = own('./loader');
const invocation = own('./invocation');
const tick = own('./tick');
const uncaught = own('./uncaught');

// Everything that C begins passes here: what it threw is told, and what
// process.nextTick put off is done before C runs the microtasks.
function entry(fn) {
  return (...args) => {
    try {
      return tick.run(() => fn(...args));
    } catch (err) {
      uncaught.raise(err);
      return undefined;
    }
  };
}

return {
  // An exception here goes to C: it is why a deploy is refused.
  load: (handler) => tick.run(() => invocation.load(loader, handler)),
  warm: entry((round) => own('./warm').round(round, (name) => loaded.has(name))),
  invoke: entry(invocation.start),
  onTimer: entry((id) => own('./timers').fire(id)),
  onReply: entry((number, text) => own('./calls').reply(number, text)),
  onFetch: entry((number, error, response) =>
    own('./wire').answer(number, error, response)),
  onRejection: (promise, reason) => uncaught.rejected(promise, reason),
  onIdle: entry(uncaught.idle),
};
