'use strict';
// Exceptions and rejections that nobody caught.  As in Node they end what was
// running: the invocation fails with them, and its worker goes.  Of several at
// once the one whose they are fails; the worker goes when nobody knows.

const invocation = require('./invocation');
const listeners = require('./process_events');
let rejections = [];

function tell(when, err) {
  const text = isErrorLike(err) ? require('./stack').whole(err)
    : require('./inspect').inspect(err);
  require('./log').line(3, `uncaught, ${when}: ${text}`);
}

// The answer of a call that fails tells the error; between calls the log does.
function end(err) {
  const culprit = invocation.alone ? null : invocation.current();
  if (culprit) {
    if (culprit.over) tell('after the answer', err);
    else invocation.fail(culprit, err);
    return;
  }
  if (!invocation.isRunning()) tell('between calls', err);
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
    rejections.push({ promise, reason, of: invocation.current() });
  },
  idle() {
    if (rejections.length === 0) return;
    const told = rejections;
    rejections = [];
    for (const { promise, reason, of } of told) {
      invocation.resume(of);
      if (listeners.emit('unhandledRejection', reason, promise)) continue;
      raise(isErrorLike(reason) ? reason : wrapped(reason),
        'unhandledRejection');
    }
  },
};
