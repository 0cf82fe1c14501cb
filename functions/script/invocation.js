'use strict';
// From an INVOKE frame to its RESULT or ERROR: the event, the context, the
// author's main, and what becomes of its answer.
//
// Several may run at once.  Whose code runs now is known without following
// promises: C enters for a new call, or with a timer, an answer of the cloud or of
// fetch, which remember who asked; and the engine runs all that goes on after it
// before it returns to C.  One at a time, what runs is always that one's.

const identity = require('./identity');
const stack = require('./stack');
const words = require('./engine_words');

const RESULT_TOP = 16 * 1024 * 1024;
// As invocation.c writes it.
const WARM_CONTEXT = '{"function":"f","version":1,"timeoutMs":1,"memoryMb":1,'
  + '"env":"e","cloudSocket":"s","appid":"a","requestId":"r","openid":"o",'
  + '"unionid":"u","uid":"1","source":"wx_client","clientIp":"127.0.0.1",'
  + '"sessionToken":"t"}';

const alone = !(host.setup.concurrency > 1);

let main = null;
let current = null;
const running = new Set();

function describe(err) {
  const isError = err instanceof Error
    || (typeof err === 'object' && err !== null && 'message' in err);
  const errorMessage = isError ? words.message(err)
    : require('./inspect').format(err);
  const errorType = isError ? String(err.name ?? 'Error') : typeof err;
  return JSON.stringify({
    code: 'FUNCTIONS_EXECUTE_FAIL',
    message: JSON.stringify({ errorMessage, errorType }),
    stack: isError && err.stack ? stack.whole(err) : undefined,
  });
}

function finish(invocation) {
  invocation.over = true;
  running.delete(invocation);
  if (alone && current === invocation) enter(null);
}

function enter(invocation) {
  current = invocation;
  identity.enter(invocation);
}

function fail(invocation, err) {
  if (invocation.over) return;
  host.fail(invocation.id, describe(err));
  finish(invocation);
}

function notJson(err, value) {
  const why = words.message(err);
  err.message = `the return value is not JSON: ${
    why.startsWith('Converting circular') ? words.circle(value) : why}`;
  return err;
}

// WeChat's numbers of 64 bits (a message's msgid) are BigInts in
// wx-server-sdk: a function that returns openapi's answer returns their digits.
function jsonOf(value) {
  try {
    return JSON.stringify(value);
  } catch { // or what is wrong with it is thrown once more
    return JSON.stringify(value,
      (name, each) => (typeof each === 'bigint' ? String(each) : each));
  }
}

function succeed(invocation, value) {
  if (invocation.over) return;
  let text;
  try {
    text = jsonOf(value) ?? 'null';
    if (text.length > RESULT_TOP) throw new RangeError('larger than 16 MiB');
  } catch (err) {
    fail(invocation, notJson(err, value));
    return;
  }
  host.result(invocation.id, text);
  finish(invocation);
}

// What SCF gives as context; SDKs want `environment`.
function contextOf(invocation) {
  const { from } = invocation;
  const { setup } = host;
  return {
    request_id: from.requestId,
    function_name: setup.function,
    function_version: '$LATEST',
    namespace: from.env ?? setup.env,
    memory_limit_in_mb: from.memoryMb ?? setup.memoryMb,
    time_limit_in_ms: from.timeoutMs ?? setup.timeoutMs,
    tencentcloud_region: 'ap-shanghai',
    callbackWaitsForEmptyEventLoop: false,
    get environment() {
      return JSON.stringify(identity.variables(invocation));
    },
    getRemainingTimeInMillis() {
      return Math.max(0, Math.floor(invocation.deadline - host.mono()));
    },
  };
}

// A client could write another's openId there, so what it wrote goes; only
// another function may pass one on when there is no user.
function ownUser(event, from) {
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    return;
  if (from.openid)
    event.userInfo = { appId: from.appid ?? '', openId: from.openid };
  else if (event.userInfo !== undefined && !/(^|,)scf$/.test(from.source ?? ''))
    delete event.userInfo;
}

function answered(invocation, answer) {
  if (typeof answer?.then === 'function')
    answer.then((value) => succeed(invocation, value),
      (err) => fail(invocation, err));
  else if (answer !== undefined || main.length < 3)
    succeed(invocation, answer);
}

module.exports = {
  alone,

  // Whose code runs now; null: nobody's.  Several at once: it may be over.
  current: () => current,

  // id of what runs now, 0 when nothing does or it has its answer.
  nowId: () => (current === null || current.over ? 0 : current.id),

  // What comes next is the doing of this one.
  resume(invocation) {
    if (!alone) enter(invocation);
  },

  isRunning: () => running.size > 0,

  fail,

  failRunning(err) {
    for (const invocation of running) fail(invocation, err);
  },

  load(loader, handler) {
    const dot = handler.lastIndexOf('.');
    const file = handler.slice(0, dot);
    const name = handler.slice(dot + 1);
    try {
      const found = loader.start(file)?.[name];
      if (typeof found !== 'function')
        throw new TypeError(`${file}: no function is exported as "${name}"`);
      main = found;
    } catch (err) {
      if (err instanceof Error)
        Object.defineProperty(err, 'stack', { writable: true,
          configurable: true, value: require('./load_text').of(err) });
      throw err;
    }
    // A worker is a fork of what is loaded now.
    require('./inspect');
  },

  // One invocation before the first fork, with another main (warm.js).  Of this
  // id C wants no result.
  warm(other) {
    const author = main;
    main = other;
    module.exports.start(0xffffffff, WARM_CONTEXT,
      '{"a":[1,"b",{"c":null}],"d":1.5}', 1);
    main = author;
  },

  start(id, contextJson, eventJson, ms) {
    const invocation = { id, deadline: host.mono() + ms,
      from: JSON.parse(contextJson), vars: null, over: false };
    running.add(invocation);
    enter(invocation);
    try {
      const event = eventJson ? JSON.parse(eventJson) : {};
      ownUser(event, invocation.from);
      answered(invocation, main(event, contextOf(invocation), (err, value) => {
        if (err) fail(invocation, err);
        else succeed(invocation, value);
      }));
    } catch (err) {
      fail(invocation, err);
    }
  },
};
