'use strict';
// The smallest main.js that drives all of `host`: an event's `code` is the body
// of an async function of (host, t, event, context).

const waiting = new Map();
let last = 0;

function ask(begin) {
  last += 1;
  const number = last;
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject });
    begin(number);
  });
}

function answer(number, error, value) {
  const asked = waiting.get(number);
  waiting.delete(number);
  if (!asked) return;
  if (error) asked.reject(Object.assign(new Error(error.message), error));
  else asked.resolve(value);
}

const rejected = [];
const warmed = [];
let idles = 0;
let loaded = null;
const order = [];
const Async = (async () => {}).constructor;

const t = {
  order,
  rejected,
  warmed,
  idles: () => idles,
  loaded: () => loaded,
  later: (ms) => ask((n) => host.timer(n, ms)),
  timer(ms, what) {
    last += 1;
    waiting.set(last, { resolve: () => order.push(what) });
    host.timer(last, ms);
    return last;
  },
  call: (id, body) => ask((n) => host.call(n, id, JSON.stringify(body))),
  fetch: (request) => ask((n) => host.fetch(n, {
    method: 'GET', headers: [], body: null, timeoutMs: 5000,
    redirect: 'follow', ...request })),
  hex: (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0'))
    .join(''),
};

return {
  load(handler) {
    const file = `${host.codeDir}/${handler.split('.')[0]}.js`;
    const problem = host.checkSyntax(host.readText(file));
    if (problem)
      throw new SyntaxError(`${handler}:${problem.line}: ${problem.message}`);
    loaded = {};
    host.compile(host.readText(file), file, ['exports', 'host', 't'])(
      loaded, host, t);
  },
  // Rounds are counted, and what is sent in them is for nobody.
  warm(round) {
    if (round === 5) return undefined;
    host.result(1, 'null');
    host.log(0, 1, 'said while it was warmed');
    ask((n) => host.call(n, 1, '{}')).then((reply) => warmed.push(reply.n));
    return `{"n":${round}}`;
  },
  invoke(id, contextJson, eventJson, ms) {
    const event = JSON.parse(eventJson);
    const context = { ...JSON.parse(contextJson), id, ms };
    new Async('host', 't', 'event', 'context', event.code || 'return event')(
      host, t, event, context)
      .then((value) => host.result(id, JSON.stringify(value) ?? 'null'))
      .catch((err) => host.fail(id, JSON.stringify({
        code: 'FUNCTIONS_EXECUTE_FAIL', message: `${err.code ?? ''} ${err}`,
        stack: err.stack })));
  },
  onTimer: (id) => answer(id, null),
  onReply: (number, text) => answer(number, null, JSON.parse(text)),
  onFetch: answer,
  onRejection(promise, reason) {
    rejected.push(String(reason));
  },
  onIdle() {
    idles += 1;
  },
};
