// From an invocation to its answer: event, context, environment, log, errors,
// and what nobody caught.

import test from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { load, source } from './fake-host.mjs';

async function run(main, event = {}, from = {}, options = {}) {
  const script = load({ 'index.js': `exports.main = ${main};` }, options);
  try {
    const answer = await script.invoke(event, from);
    return { ...answer, logs: script.logs, script };
  } finally {
    script.stop();
  }
}
const message = ({ failed }) => JSON.parse(failed.message);

test('the event is the caller\'s, its user is the platform\'s', async () => {
  const echo = '(event) => event';
  assert.deepEqual((await run(echo, { a: 1, userInfo: { openId: 'forged' } }, { openid: 'oMe', appid: 'wx1' })).value,
    { a: 1, userInfo: { appId: 'wx1', openId: 'oMe' } });
  assert.deepEqual((await run(echo, { userInfo: { openId: 'forged' } }, { openid: '' })).value, {});
  assert.deepEqual((await run(echo, { userInfo: { openId: 'passed on' } }, { openid: '', source: 'wx_client,scf' })).value, { userInfo: { openId: 'passed on' } });
  assert.deepEqual((await run(echo, [1], {})).value, [1]);
  const script = load({ 'index.js': 'exports.main = (e) => [e, typeof e];' });
  const answer = new Promise((resolve) => script.results.set(9, resolve));
  script.api.invoke(9, '{}', '', 1000);
  assert.deepEqual(await answer, { value: [{}, 'object'] });
  script.stop();
});

test('the context is what SCF gives', async () => {
  const { value } = await run('(e, c) => ({ ...c, environment: JSON.parse(c.environment), left: c.getRemainingTimeInMillis() })', {},
    { requestId: 'req-7', env: 'prod', memoryMb: 512, timeoutMs: 9000 }, { env: { MINE: 'x' } });
  const { environment, left, ...rest } = value;
  assert.deepEqual(rest, { request_id: 'req-7', function_name: 'f', function_version: '$LATEST', namespace: 'prod', memory_limit_in_mb: 512,
    time_limit_in_ms: 9000, tencentcloud_region: 'ap-shanghai', callbackWaitsForEmptyEventLoop: false });
  assert.ok(left > 0 && left <= 3000, String(left));
  assert.deepEqual([environment.MINE, environment.TCB_ENV, environment.WX_OPENID, environment.TENCENTCLOUD_SESSIONTOKEN], ['x', 'prod', 'oUser', 'token']);
});

test('process.env has the caller while the call runs, and not after it', async () => {
  const script = load({ 'index.js': `const at = { ...process.env }; let after;
exports.main = async (e) => { if (e.after) return after; setTimeout(() => { after = process.env.WX_OPENID ?? 'nobody'; }, 1); process.env.MINE = 5;
  return [at, process.env.WX_OPENID, process.env.WX_UNIONID, 'WX_OPENID' in process.env, Object.keys(process.env).sort(), process.env.MINE, process.env.WX_CLIENTIPV6]; };` },
  { env: { A: '1' } });
  const { value } = await script.invoke({}, { openid: 'oOne', unionid: 'uOne' });
  assert.deepEqual(value, [{ A: '1' }, 'oOne', 'uOne', true, ['A', 'MINE', 'SCF_NAMESPACE', 'TCB_CONTEXT_KEYS', 'TCB_ENV', 'TCB_ISANONYMOUS_USER', 'TCB_SEQID', 'TCB_SOURCE',
    'TCB_SOURCE_IP', 'TENCENTCLOUD_SESSIONTOKEN', 'WX_APPID', 'WX_CLIENTIP', 'WX_CLIENTIPV6', 'WX_CONTEXT_KEYS', 'WX_OPENID', 'WX_UNIONID'], '5', '::ffff:127.0.0.1']);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(await script.invoke({ after: true }), { value: 'nobody' });
  script.stop();
});

test('the caller\'s variables are those that the runtime node gives', async () => {
  const node = createRequire(join(source, 'functions/node/identity.cjs'))('./identity.cjs');
  const script = load({ 'index.js': 'exports.main = (e, c) => JSON.parse(c.environment);' });
  const contexts = [{}, { env: 'e', openid: 'o', unionid: 'u', appid: 'a', clientIp: '::1', source: 'wx_client' },
    { uid: '5', clientIp: '1.2.3.4', routeKey: 'k', sessionToken: 's', requestId: 'r' }, { source: 'wx_trigger', trigger: 'http', env: 'x' }, { source: 'wx_trigger' }];
  for (const context of contexts) {
    const { value } = await new Promise((resolve) => {
      script.results.set(7, resolve);
      script.api.invoke(7, JSON.stringify(context), '{}', 1000);
    });
    const wanted = Object.entries(node.variables({ from: context, vars: null })).filter(([name]) => !(name in process.env));
    assert.deepEqual(value, Object.fromEntries(wanted));
  }
  script.stop();
});

test('every way to answer', async () => {
  assert.deepEqual((await run('() => undefined')).value, null);
  assert.deepEqual((await run('async () => ({ a: new Date(0), b: undefined })')).value, { a: '1970-01-01T00:00:00.000Z' });
  assert.deepEqual((await run('(e, c, done) => { setTimeout(() => done(null, "later"), 1); }')).value, 'later');
  assert.deepEqual((await run('(e, c, done) => { done(null, 1); done(null, 2); return 3; }')).value, 1);
  assert.deepEqual((await run('() => ({ then(resolve) { resolve("thenable"); } })')).value, 'thenable');
  assert.deepEqual((await run('(e, c) => {}')).value, null);
  assert.deepEqual((await run('() => ({ msgid: 2075049253462261761n })')).value, { msgid: '2075049253462261761' });
});

test('every way to fail, worded as for node', async () => {
  assert.deepEqual(message(await run('() => { throw new TypeError("thrown"); }')), { errorMessage: 'thrown', errorType: 'TypeError' });
  assert.deepEqual(message(await run('async () => { throw Object.assign(new Error("m"), { name: "Mine" }); }')), { errorMessage: 'm', errorType: 'Mine' });
  assert.deepEqual(message(await run('() => Promise.reject("text")')), { errorMessage: 'text', errorType: 'string' });
  assert.deepEqual(message(await run('() => Promise.reject({ message: "object", name: "Plain" })')), { errorMessage: 'object', errorType: 'Plain' });
  assert.deepEqual(message(await run('(e, c, done) => done(new Error("told"))')), { errorMessage: 'told', errorType: 'Error' });
  assert.deepEqual(message(await run('() => { const o = { a: [] }; o.a.push(o); return o; }')), { errorType: 'TypeError',
    errorMessage: 'the return value is not JSON: Converting circular structure to JSON\n    --> starting at object with constructor \'Object\'\n'
      + '    |     property \'a\' -> object with constructor \'Array\'\n    --- index 0 closes the circle' });
  const { failed } = await run('async () => {\n  const inner = new Error("inner");\n  throw new Error("outer", { cause: inner });\n}');
  assert.equal(failed.code, 'FUNCTIONS_EXECUTE_FAIL');
  assert.match(failed.stack, /^Error: outer\n {4}at .*index\.js:3:9[^]*caused by Error: inner\n {4}at .*index\.js:2:17/);
  assert.doesNotMatch(failed.stack, /functions\/script/);
});

test('what nobody caught ends the call that runs and its worker, or is logged', async () => {
  for (const how of ['setTimeout(() => { throw new RangeError("in a timer"); }, 1)', 'process.nextTick(() => { throw new RangeError("in a timer"); })',
    'queueMicrotask(() => { throw new RangeError("in a timer"); })']) {
    const { failed, logs, script } = await run(`() => new Promise(() => { ${how}; })`);
    assert.deepEqual(JSON.parse(failed.message), { errorMessage: 'in a timer', errorType: 'RangeError' });
    assert.match(failed.stack, /^RangeError: in a timer\n {4}at .*index\.js:1/);
    assert.deepEqual([logs, script.exited], [[], 1]);
  }
  const script = load({ 'index.js': 'exports.main = () => new Promise(() => undefined);' });
  const answer = script.invoke();
  script.api.onRejection(Promise.resolve(), new Error('nobody waits'));
  script.api.onIdle();
  assert.equal(message(await answer).errorMessage, 'nobody waits');
  const text = script.invoke();
  script.api.onRejection(Promise.resolve(), 'a text');
  script.api.onIdle();
  assert.match(message(await text).errorMessage, /^This error originated either by .*The promise rejected with the reason "a text"\.$/);
  script.api.onRejection(Promise.resolve(), new Error('between'));
  script.api.onIdle();
  assert.deepEqual(script.logs.map(([level, text, id]) => [level, text.split('\n')[0], id]), [[3, 'uncaught, between calls: Error: between', 0]]);
  script.stop();
});

test('process.on takes what nobody caught', async () => {
  const { value, logs } = await run(`() => new Promise((resolve) => { process.once('uncaughtException', (err, origin) => resolve([err.message, origin]));
    setTimeout(() => { throw new Error('mine'); }, 1); })`);
  assert.deepEqual([value, logs], [['mine', 'uncaughtException'], []]);
});

test('console: levels, groups, counts, times, tables', async () => {
  const { logs } = await run(`() => { console.debug('d'); console.log('l %s', 1); console.info({ a: 1 }); console.warn('w'); console.error('e');
    console.group('g'); console.log('in\\nside'); console.groupEnd(); console.log('out'); console.count(); console.count(); console.countReset(); console.count(); console.count('x');
    console.assert(true, 'no'); console.assert(false, 'yes %d', 5); console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
    console.time('t'); console.timeEnd('t'); console.table([{ a: 1, b: 'x' }, { a: 2 }]); console.__baseLog__({ k: 1 }, 'warn'); process.stdout.write('raw\\n'); }`);
  assert.deepEqual(logs.map(([level, text]) => [level, text.replace(/[\d.]+m?s$/, 'TIME')]), [[0, 'd'], [1, 'l 1'], [1, '{ a: 1 }'], [2, 'w'], [3, 'e'],
    [1, 'g'], [1, '  in\n  side'], [1, 'out'], [1, 'default: 1'], [1, 'default: 2'], [1, 'default: 1'], [1, 'x: 1'], [2, 'Assertion failed: yes 5'],
    [1, '{ a: [Object] }'], [1, 't: TIME'],
    [1, '┌─────────┬───┬─────┐\n│ (index) │ a │ b   │\n├─────────┼───┼─────┤\n│ 0       │ 1 │ \'x\' │\n│ 1       │ 2 │     │\n└─────────┴───┴─────┘'],
    [2, '{"k":1}'], [1, 'raw']]);
});

test('a long line is cut into frames, never within a character', async () => {
  const { logs } = await run('() => console.log("x" + "\\u{1F600}".repeat(3000))');
  assert.equal(logs.length, 3);
  assert.equal(logs.map(([, text]) => text).join(''), `x${'\u{1F600}'.repeat(3000)}`);
  for (const [, text] of logs) assert.ok(text.isWellFormed() && Buffer.byteLength(text) <= 8191, String(text.length));
  const endless = await run('() => console.log("y".repeat(1e6))');
  assert.equal(endless.logs.length, 32);
});

test('mpcloud asks the cloud, and throws what it refuses', async () => {
  const answer = ({ action, outTradeNo }) => (action === 'no' ? { requestId: 'r', code: 'SOME_CODE', message: 'not so' }
    : action === 'functions.enqueue' ? { requestId: 'r', data: { id: 'q1', requestId: 'r2', existed: false } }
      : { requestId: 'r', data: { action, outTradeNo } });
  const { value, script } = await run(`async () => { const m = require('mpcloud'); const out = [await m.call('a.b', { x: 1 }), await m.pay.get('o1'), await m.enqueue('mail', { to: 'a' }, { runAt: new Date(5), key: 'k' })];
    try { await m.call('no'); } catch (e) { out.push([e.code, e.message, e.requestId, /index\\.js/.test(e.stack)]); }
    try { await m.call(''); } catch (e) { out.push(e.name); } return out; }`, {}, {}, { answer });
  assert.deepEqual(value, [{ requestId: 'r', data: { action: 'a.b' } }, { action: 'pay.getOrder', outTradeNo: 'o1' }, { id: 'q1', requestId: 'r2', existed: false }, ['SOME_CODE', 'not so', 'r', true], 'TypeError']);
  assert.deepEqual(script.calls[0], { action: 'a.b', x: 1 });
  assert.deepEqual(script.calls[2], { action: 'functions.enqueue', function_name: 'mail', request_data: '{"to":"a"}', runAt: 5, key: 'k' });
});

test('fetch: the request, the answer, what goes wrong', async () => {
  const fetch = async (request) => {
    if (request.url.includes('down')) throw Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
    if (request.url.includes('slow')) await new Promise(() => undefined);
    return { status: 201, statusText: 'Created', url: request.url, headers: [['X-A', '1'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']], body: Buffer.from('{"ok":"é"}') };
  };
  const { value, script } = await run(`async () => { const r = await fetch('http://e.com/x?y#z', { method: 'post', headers: { A: 'b' }, body: JSON.stringify({ q: 1 }) });
    const out = [r.status, r.ok, r.statusText, r.url, r.headers.get('x-a'), r.headers.getSetCookie(), await r.json()];
    try { await fetch('http://down'); } catch (e) { out.push([e.name, e.message, e.cause.code, e.cause.message]); }
    try { await fetch('http://slow', { signal: AbortSignal.timeout(5) }); } catch (e) { out.push(e.name); }
    const c = new AbortController(); const p = fetch('http://slow', { signal: c.signal }); c.abort(); try { await p; } catch (e) { out.push(e.name); }
    return out; }`, {}, {}, { fetch });
  assert.deepEqual(value, [201, true, 'Created', 'http://e.com/x?y', '1', ['a=1', 'b=2'], { ok: 'é' }, ['TypeError', 'fetch failed', 'ECONNREFUSED', 'connect refused'],
    'TimeoutError', 'AbortError']);
  const [first] = script.fetches;
  assert.deepEqual([first.method, first.url, Buffer.from(first.body).toString()], ['POST', 'http://e.com/x?y', '{"q":1}']);
  assert.deepEqual(Object.fromEntries(first.headers)['content-type'], 'text/plain;charset=UTF-8');
});

test('a transaction that meets a conflict is run again, three times more at most', async () => {
  let tries = 0;
  const answer = ({ action }) => {
    if (action === 'database.startTransaction') return { requestId: 'r', transactionId: `t${++tries}` };
    if (action === 'database.modifyDocument') return { requestId: 'r', code: 'DATABASE_TRANSACTION_CONFLICT', message: 'Transaction is conflict' };
    return { requestId: 'r' };
  };
  const { value, script } = await run(`async () => { const cloud = require('wx-server-sdk'); cloud.init();
    try { await cloud.database().runTransaction((t) => t.collection('c').doc('d').update({ data: { n: 1 } })); } catch (e) { return [e.errCode, e.errMsg]; } }`, {}, {}, { answer });
  assert.deepEqual(value, [-501001, 'document.update:fail -501001 resource system error. Transaction is conflict']);
  assert.equal(tries, 4);
  assert.equal(script.calls.filter(({ action }) => action === 'database.abortTransaction').length, 4);
});

test('the SDK before init says what to do', async () => {
  const { value } = await run('async () => { const cloud = require("wx-server-sdk"); try { cloud.database(); } catch (e) { return [e.errCode, e.errMsg]; } }');
  assert.equal(value[0], -1);
  assert.match(value[1], /Cloud API isn't enabled, please call init first/);
});

// Several at once: each entry begins when the one before is done, as in the engine.
const soon = () => new Promise(setImmediate);

test('several at once: whoever asks, whenever, is told of his own', async () => {
  const script = load({ 'index.js': `const cloud = require('wx-server-sdk'); cloud.init();
const who = () => [cloud.getWXContext().OPENID, process.env.WX_OPENID];
exports.main = async (e, c) => { const said = [...who()]; const ask = async () => { await null; said.push(...who()); };
  await ask(); await new Promise((r) => setTimeout(r, e.n % 5)); await ask();
  await require('mpcloud').call('x', { n: e.n }); await ask();
  await fetch('http://a.example/'); await ask();
  await Promise.all([1, 2].map((i) => new Promise((r) => setTimeout(r, i)).then(ask)));
  await new Promise((r) => process.nextTick(r)); await ask(); queueMicrotask(ask); await null; await null; await null;
  console.log(e.n, c.request_id); return said; };` },
  { concurrency: 64, answer: async (body, invocation) => {
    await new Promise((resolve) => setTimeout(resolve, body.n % 3));
    return { requestId: String(invocation), n: body.n };
  }, fetch: async () => ({ status: 200, statusText: '', url: '', headers: [], body: [] }) });
  const asked = [];
  for (let n = 0; n < 60; n++) {
    asked.push(script.invoke({ n }, { openid: `o${n}`, requestId: `r${n}` }));
    await soon();
  }
  const answers = await Promise.all(asked);
  for (const [n, { value }] of answers.entries()) assert.deepEqual(value, Array(18).fill(`o${n}`));
  assert.deepEqual(script.logs.map(([, text, id]) => [text, id]).sort((a, b) => a[1] - b[1]),
    Array.from({ length: 60 }, (_, n) => [`${n} r${n}`, n + 1]));
  script.stop();
});

test('several at once: an error that nobody caught is its own call\'s, after the answer a line', async () => {
  const script = load({ 'index.js': `exports.main = (e) => { if (e.late) { setTimeout(() => { console.log(process.env.WX_OPENID); throw new Error('late'); }, 1); return 1; }
  return new Promise((resolve) => { setTimeout(() => { if (e.n % 2) throw new Error('mine ' + e.n); resolve(e.n); }, 5 + e.n); }); };` }, { concurrency: 8 });
  const asked = [];
  for (let n = 0; n < 6; n++) {
    asked.push(script.invoke({ n }));
    await soon();
  }
  const said = await Promise.all(asked);
  assert.deepEqual(said.map((one) => (one.failed ? message(one).errorMessage : one.value)), [0, 'mine 1', 2, 'mine 3', 4, 'mine 5']);
  assert.deepEqual(await script.invoke({ late: true }, { openid: 'oLate' }), { value: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(script.logs.map(([level, text, id]) => [level, text.split('\n')[0], id]), [[1, 'oLate', 0], [3, 'uncaught, after the answer: Error: late', 0]]);
  assert.equal(script.exited, undefined);
  script.stop();
});
