// A worker's node: frames in, the author's main(event, context), frames out.
//
// With one invocation at a time its answer is written before the next begins:
// should that one end the process, the gateway knows which calls have not
// begun.  With several, all that were sent count as begun, and what a turn of
// the event loop produces leaves in one write.
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { format } from 'node:util';
import { load } from './load.mjs';
import { In, LOG_TOP, Out, PROTO, RESULT_TOP } from './proto.mjs';

const require = createRequire(import.meta.url);
const identity = require('./identity.cjs');
const { clean, describe, loadText, stackOf } = require('./errors.cjs');
const setup = globalThis[Symbol.for('mpcloud.setup')];

const FD = 3;
const LOG_CHARS = Math.floor(LOG_TOP / 3) - 1;
const LOG_PIECES = 32;
const alone = setup.concurrency <= 1;

const out = new Out();
const queue = [];
let queueAt = 0;
const running = new Set();
const calls = new Map();
let lastCall = 0;
let lastId = 0; // whose late lines these are
let main = null;
let socket = null;
let flushing = false;
let behind = false; // the gateway does not read: libuv keeps what waits
let draining = false;
let loaded = false;

// Straight to the socket: what is written here survives a crash one line later.
function flush() {
  flushing = false;
  let at = 0;
  while (at < out.len && !behind) {
    try {
      at += writeSync(FD, out.bytes, at, out.len - at);
    } catch (err) {
      if (err.code === 'EINTR') continue;
      if (err.code !== 'EAGAIN') process.exit(0); // the gateway has gone
      behind = true;
    }
  }
  if (at < out.len)
    socket.write(Buffer.from(out.bytes.subarray(at, out.len)), () => {
      behind = socket.writableLength > 0;
    });
  out.clear();
}

function flushLater() {
  if (flushing) return;
  flushing = true;
  setImmediate(flush);
}

function sent() {
  if (alone) flush();
  else flushLater();
}

// ---- answers

function finish(invocation) {
  invocation.over = true;
  lastId = invocation.id;
  running.delete(invocation);
  if (alone) identity.leave();
  next();
}

function fail(invocation, err) {
  if (invocation.over) return;
  out.frame(PROTO.ERROR, invocation.id, JSON.stringify(describe(err)));
  sent();
  finish(invocation);
}

// As SCF has it: with context.callbackWaitsForEmptyEventLoop set, the answer
// leaves when nothing is left to do.  Our socket alone does not count.
function whenQuiet(invocation, then) {
  if (!alone || !invocation.scf?.callbackWaitsForEmptyEventLoop) {
    then();
    return;
  }
  socket.unref();
  process.once('beforeExit', () => {
    socket.ref();
    then();
  });
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
    err.message = `the return value is not JSON: ${err.message}`;
    fail(invocation, err);
    return;
  }
  whenQuiet(invocation, () => {
    if (invocation.over) return;
    out.frame(PROTO.RESULT, invocation.id, text);
    sent();
    finish(invocation);
  });
}

// ---- invocations

class Invocation {
  constructor(id, ms, from, event) {
    this.id = id;
    this.deadline = performance.now() + ms;
    this.from = from;
    this.event = event;
    this.vars = null; // identity.cjs makes them when asked
    this.scf = null; // what main got as its context
    this.over = false;
  }

  // What SCF gives as context; SDKs want `environment`.
  context() {
    const invocation = this;
    const { from } = this;
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
        return Math.max(0, Math.floor(
          invocation.deadline - performance.now()));
      },
    };
  }

  // A client could write another's openId there, so what it wrote goes; only
  // another function may pass one on when there is no user.
  own() {
    const { event, from } = this;
    if (typeof event !== 'object' || event === null || Array.isArray(event))
      return;
    if (from.openid)
      event.userInfo = { appId: from.appid ?? '', openId: from.openid };
    else if (event.userInfo !== undefined
      && !/(^|,)scf$/.test(from.source ?? ''))
      delete event.userInfo;
  }
}

function start(invocation) {
  let answer;
  try {
    invocation.own();
    invocation.scf = invocation.context();
    answer = main(invocation.event, invocation.scf, (err, value) => {
      if (err) fail(invocation, err);
      else succeed(invocation, value);
    });
  } catch (err) {
    fail(invocation, err);
    return;
  }
  if (typeof answer?.then === 'function')
    answer.then((value) => succeed(invocation, value),
      (err) => fail(invocation, err));
  else if (answer !== undefined || main.length < 3)
    succeed(invocation, answer);
}

// Called again and again by finish; a loop, so that a long queue of
// synchronous functions does not nest.
let inNext = false;

function next() {
  if (inNext) return;
  inNext = true;
  while (queueAt < queue.length && running.size < setup.concurrency) {
    const invocation = queue[queueAt];
    queue[queueAt++] = undefined;
    running.add(invocation);
    identity.run(invocation, start);
  }
  inNext = false;
  if (queueAt === queue.length) {
    queue.length = queueAt = 0;
    if (draining && running.size === 0) leave();
  }
}

function leave() {
  flush();
  if (behind) socket.once('drain', () => process.exit(0));
  else process.exit(0);
}

// ---- frames in

function onInvoke(id, bytes, from, to) {
  const ms = bytes.readUInt32LE(from);
  const middle = from + 8 + bytes.readUInt32LE(from + 4);
  const context = JSON.parse(bytes.utf8Slice(from + 8, middle));
  const event = middle < to ? JSON.parse(bytes.utf8Slice(middle, to)) : {};
  queue.push(new Invocation(id, ms, context, event));
}

function onReply(id, bytes, from, to) {
  const call = calls.get(id);
  if (!call) return;
  calls.delete(id);
  const answer = JSON.parse(bytes.utf8Slice(from, to));
  if (answer.code === undefined) {
    call.resolve(answer);
    return;
  }
  call.error.message = answer.message ?? answer.code;
  call.error.code = answer.code;
  call.error.requestId = answer.requestId;
  call.reject(call.error);
}

const input = new In((type, id, bytes, from, to) => {
  if (type === PROTO.INVOKE) onInvoke(id, bytes, from, to);
  else if (type === PROTO.REPLY) onReply(id, bytes, from, to);
  else if (type === PROTO.DRAIN) draining = true;
});

// ---- what functions use

function nowId() {
  const invocation = identity.current();
  return invocation && !invocation.over ? invocation.id : 0;
}

globalThis[Symbol.for('mpcloud.runner')] = {
  call(body) {
    const error = new Error(); // its stack leads to the caller
    return new Promise((resolve, reject) => {
      const invocation = nowId();
      if (invocation === 0) {
        error.message = 'mpcloud: only while the function runs';
        reject(error);
        return;
      }
      lastCall = lastCall % 0xffffffff + 1;
      calls.set(lastCall, { resolve, reject, error });
      out.frame(PROTO.CALL, lastCall, JSON.stringify(body), 4,
        (b, at) => b.writeUInt32LE(invocation, at));
      flushLater();
    });
  },
};

// A line that comes after its answer still belongs to that call.
function logId() {
  const invocation = identity.current();
  if (!invocation) return alone ? lastId : 0;
  return invocation.over && !alone ? 0 : invocation.id;
}

function log(level, text) {
  const id = logId();
  for (let at = 0, n = 0; n < LOG_PIECES && (at < text.length || n === 0); n++) {
    let end = Math.min(at + LOG_CHARS, text.length);
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800)
      end--; // not between the halves of a character
    out.frame(PROTO.LOG, id, text.slice(at, end), 1, (b, to) => {
      b[to] = level;
    });
    at = end;
  }
  flush();
}

const LEVELS = {
  debug: 0, log: 1, info: 1, dir: 1, warn: 2, error: 3, trace: 3,
};

function trace(args) {
  const err = new Error(format(...args));
  err.name = 'Trace';
  return clean(err.stack.replace(/^Error/, 'Trace'));
}

// wx-server-sdk's logger() gives an object.
function baseLog(object, level) {
  let text;
  try {
    text = typeof object === 'string' ? object : JSON.stringify(object);
  } catch { // circular, BigInt
    text = undefined;
  }
  text ??= format(object);
  if (loaded) log(LEVELS[level] ?? 1, text);
  else process.stdout.write(`${text}\n`);
}

// While the code is loaded there is nobody to send frames to: those lines go
// to stdout and stderr, which the keeper reads.
function takeConsole() {
  for (const [name, level] of Object.entries(LEVELS)) {
    const before = console[name].bind(console);
    console[name] = (...args) => {
      if (!loaded) before(...args);
      else if (name === 'trace') log(level, trace(args));
      else log(level, format(...args));
    };
  }
  console.__baseLog__ = baseLog;
}

// ---- what nobody caught

// With several at a time it is known whose it was: that one fails, the others
// go on.  Alone, or when nobody knows, the process ends, as SCF has it; what it
// had been sent and not begun goes to another.
function onUncaught(err) {
  const text = stackOf(err) || format(err);
  if (!loaded) {
    process.stderr.write(`${loadText(err)}\n`);
    process.exit(1);
  }
  // The author's own listener means to go on, as in plain node.
  if (process.listenerCount('uncaughtException') > 1) return;
  const culprit = alone ? null : identity.current();
  if (culprit) {
    if (culprit.over) log(3, `uncaught, after the answer: ${text}`);
    else fail(culprit, err);
    return;
  }
  if (running.size === 0) log(3, `uncaught, between calls: ${text}`);
  const description = JSON.stringify(describe(err));
  out.frame(PROTO.LEAVING, 0, '');
  for (const invocation of running)
    out.frame(PROTO.ERROR, invocation.id, description);
  flush();
  process.exit(1);
}

// process.exit in the author's code, too: see LEAVING.
function onExit() {
  if (!loaded || behind) return;
  out.frame(PROTO.LEAVING, 0, '');
  flush();
}

takeConsole();
process.on('exit', onExit);
process.on('uncaughtException', onUncaught);
if (!alone) identity.share();
process.chdir(setup.codeDir);
process.setSourceMapsEnabled(true);
if (setup.inspect) await (await import('./inspect.mjs')).openInspector(setup.inspect);
try {
  main = await load();
} catch (err) {
  process.stderr.write(`${loadText(err)}\n`);
  process.exit(1);
}
socket = new net.Socket({ fd: FD, readable: true, writable: true });
socket.on('data', (chunk) => {
  input.push(chunk);
  next();
});
socket.on('end', () => process.exit(0));
socket.on('error', () => process.exit(0));
loaded = true;
out.frame(PROTO.READY, 0, '');
flush();
