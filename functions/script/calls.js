'use strict';
// Requests to the cloud: CALL frames and their answers.

const waiting = new Map();
let last = 0;

function nowId() {
  return require('./invocation').nowId();
}

module.exports = {
  // {action, …} → the answer's JSON, an error's too: {code, message, requestId}.
  send(body) {
    return new Promise((resolve, reject) => {
      const invocation = nowId();
      if (invocation === 0) {
        reject(new Error('mpcloud: only while the function runs'));
        return;
      }
      const text = JSON.stringify(body);
      last = last % 0xffffffff + 1;
      waiting.set(last, resolve);
      host.call(last, invocation, text);
    });
  },

  reply(number, text) {
    const resolve = waiting.get(number);
    if (!resolve) return;
    waiting.delete(number);
    resolve(JSON.parse(text));
  },
};
