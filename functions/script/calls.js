'use strict';
// Requests to the cloud: CALL frames and their answers.

const invocation = require('./invocation');

const waiting = new Map();
let last = 0;

module.exports = {
  // {action, …} → the answer's JSON, an error's too: {code, message, requestId}.
  send(body) {
    return new Promise((resolve, reject) => {
      const id = invocation.nowId();
      if (id === 0) {
        reject(new Error('mpcloud: only while the function runs'));
        return;
      }
      const text = JSON.stringify(body);
      last = last % 0xffffffff + 1;
      waiting.set(last, { resolve, of: invocation.current() });
      host.call(last, id, text);
    });
  },

  reply(number, text) {
    const wait = waiting.get(number);
    if (!wait) return;
    waiting.delete(number);
    invocation.resume(wait.of);
    wait.resolve(JSON.parse(text));
  },
};
