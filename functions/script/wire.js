'use strict';
// HTTP requests to the host and their answers.

const invocation = require('./invocation');

const waiting = new Map();
let last = 0;

module.exports = {
  // {method, url, headers, body, redirect?, timeoutMs?} → {status, statusText,
  // url, headers: [[name, value]], body: Uint8Array}.  began(number): its
  // number, for cancel.
  send(request, began) {
    return new Promise((resolve, reject) => {
      last = last % 0xffffffff + 1;
      waiting.set(last, { resolve, reject, of: invocation.current() });
      if (began) began(last);
      host.fetch(last, { timeoutMs: 0, ...request });
    });
  },

  // Nobody waits for it any longer.
  cancel(number) {
    if (waiting.delete(number)) host.unfetch(number);
  },

  answer(number, error, response) {
    const wait = waiting.get(number);
    if (!wait) return;
    waiting.delete(number);
    invocation.resume(wait.of);
    if (!error) {
      wait.resolve(response);
      return;
    }
    const err = new Error(error.message);
    err.code = error.code;
    wait.reject(err);
  },
};
