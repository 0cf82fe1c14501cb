'use strict';
// Exceptions and rejections that nobody caught.  As in Node they end what was
// running: the invocation fails with them, and its worker goes.

const listeners = require('./process_events');
let rejections = [];

// The answer of a call that fails tells the error; between calls the log does.
function end(err) {
  const invocation = require('./invocation');
  if (!invocation.isRunning()) {
    const text = isErrorLike(err) ? require('./stack').whole(err)
      : require('./inspect').inspect(err);
    require('./log').line(3, `uncaught, between calls: ${text}`);
  }
  host.leaving();
  invocation.failRunning(err);
  host.exit(1);
}

function raise(err, origin = 'uncaughtException') {
  if (listeners.emit('uncaughtException', err, origin)) return;
  end(err);
}

const isErrorLike = (reason) => typeof reason === 'object' && reason !== null
  && Object.hasOwn(reason, 'stack');

// As Node says it of a rejection with something that is no Error.
function wrapped(reason) {
  const err = require('./errors').coded(Error, 'ERR_UNHANDLED_REJECTION',
    'This error originated either by throwing inside of an async function '
    + 'without a catch block, or by rejecting a promise which was not handled '
    + `with .catch(). The promise rejected with the reason "${
      typeof reason === 'object' && reason !== null
        ? `#<${reason.constructor?.name ?? 'Object'}>` : String(reason)}".`);
  err.name = 'UnhandledPromiseRejection';
  return err;
}

module.exports = {
  raise,
  // The engine tells of a promise that was rejected with nobody to hear it.
  rejected(promise, reason) {
    rejections.push({ promise, reason });
  },
  idle() {
    if (rejections.length === 0) return;
    const told = rejections;
    rejections = [];
    for (const { promise, reason } of told) {
      if (listeners.emit('unhandledRejection', reason, promise)) continue;
      raise(isErrorLike(reason) ? reason : wrapped(reason),
        'unhandledRejection');
    }
  },
};
