'use strict';
// Exceptions and rejections that nobody caught.  As in Node they end what was
// running: the invocation fails with them, and its worker goes.

const listeners = require('./process_events');
let rejections = [];

function describeForLog(err) {
  const inspect = require('./inspect');
  return err instanceof Error || (err && typeof err.stack === 'string')
    ? inspect.error(err) : inspect.inspect(err);
}

function end(err) {
  const invocation = require('./invocation');
  require('./log').line(3, `Uncaught ${describeForLog(err)}`);
  invocation.failRunning(err);
  if (host.exit) host.exit(1);
}

function raise(err, origin = 'uncaughtException') {
  if (listeners.emit('uncaughtException', err, origin)) return;
  end(err);
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
      raise(reason, 'unhandledRejection');
    }
  },
};
