// WebSocket of a running server: the opening handshake byte by byte, an independent
// client (npm's ws) plain and over TLS, and the messages of watch() that need no
// database.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { createHash } from 'node:crypto';
import { join, lacksPackages, source, startStack, until, ordinaryUser } from '../lib/stack.mjs';

const skip = lacksPackages('tests');
const WebSocket = skip ? null : (await import('ws')).default;
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

let stack;
before(async () => { stack = await startStack({ project: join(source, 'tests/e2e/watch'), tls: true, gateways: 2, owner: ordinaryUser(),
  set: { 'limits.idle_timeout': '1s', 'sockets.ping': '1s' } }); });
after(() => stack?.stop());

// Sends bytes, gives the head of the answer and what follows it.
function raw(bytes, more = []) {
  return new Promise((done, fail) => {
    const { hostname, port } = new URL(stack.url);
    const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
    let got = Buffer.alloc(0);
    const look = () => {
      const end = got.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = got.subarray(0, end).toString();
      done({ status: Number(head.split(' ')[1]), head, rest: () => got.subarray(end + 4), socket });
    };
    socket.on('data', (d) => { got = Buffer.concat([got, d]); look(); });
    socket.on('error', fail);
    socket.on('close', () => fail(new Error(`closed after: ${got}`)));
    for (const one of more) socket.write(one);
  });
}
const hello = (changed = {}, path = '/ws', method = 'GET') => {
  const headers = { Host: 'localhost', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13', ...changed };
  return `${method} ${path} HTTP/1.1\r\n${Object.entries(headers).filter(([, v]) => v !== null)
    .map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`;
};
const frame = (first, text) => {
  const body = Buffer.from(text);
  const mask = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([Buffer.from([first, 0x80 | body.length]), mask, body.map((b, i) => b ^ mask[i % 4])]);
};

test('a handshake is answered as RFC 6455 has it', async () => {
  const { status, head, socket } = await raw(hello());
  socket.destroy();
  assert.equal(status, 101, head);
  const headers = Object.fromEntries(head.split('\r\n').slice(1).map((l) => [l.split(':')[0].toLowerCase(), l.slice(l.indexOf(':') + 1).trim()]));
  assert.equal(headers['sec-websocket-accept'], createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'));
  assert.equal(headers.upgrade.toLowerCase(), 'websocket');
  assert.match(headers.connection, /upgrade/i);
  assert.equal(headers['sec-websocket-extensions'], undefined);
  assert.equal(headers['content-length'], undefined);
});

test('header names, lists and case do not matter', async () => {
  for (const changed of [{ Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' }, { Upgrade: 'foo, websocket' },
    { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }, { Origin: 'http://localhost:3000' }]) {
    const { status, head, socket } = await raw(hello(changed));
    socket.destroy();
    assert.equal(status, 101, JSON.stringify(changed) + head);
  }
});

test('a page of another origin may not connect', async () => {
  const { status, socket } = await raw(hello({ Origin: 'https://elsewhere.example' }));
  socket.destroy();
  assert.equal(status, 403);
});

test('what is no handshake is refused and says why', async () => {
  const rows = [[{ Upgrade: null }, 426], [{ Upgrade: 'h2c' }, 426], [{ Connection: 'keep-alive' }, 426],
    [{ 'Sec-WebSocket-Version': '8' }, 426], [{ 'Sec-WebSocket-Version': null }, 426], [{ 'Sec-WebSocket-Key': null }, 426],
    [{ 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' }, 426], [{ 'Sec-WebSocket-Key': 'c2hvcnQ=' }, 426]];
  for (const [changed, wanted] of rows) {
    const { status, head, rest, socket } = await raw(hello(changed));
    socket.destroy();
    assert.equal(status, wanted, JSON.stringify(changed) + head);
    assert.match(head, /sec-websocket-version: 13/i);
    assert.ok(JSON.parse(rest()).message.length > 20);
  }
  const post = await raw(hello({ 'Content-Length': 0 }, '/ws', 'POST'));
  post.socket.destroy();
  assert.equal(post.status, 405);
});

test('frames that come with the handshake are not lost', async () => {
  const { status, rest, socket } = await raw(Buffer.concat([Buffer.from(hello()),
    frame(0x81, JSON.stringify({ requestId: 'r1', msgType: 'PING', msgData: null }))]));
  assert.equal(status, 101);
  await until(() => rest().includes('PONG'), 'the answer to the early message');
  socket.destroy();
});

const open = (url, protocols, options) => new Promise((done, fail) => {
  const ws = new WebSocket(url, protocols, options);
  ws.heard = [];
  ws.on('message', (d, binary) => ws.heard.push(binary ? d : JSON.parse(d)));
  ws.gone = new Promise((end) => ws.on('close', (code, reason) => end([code, String(reason)])));
  ws.on('open', () => done(ws));
  ws.on('error', fail);
});
const address = () => stack.url.replace(/^http/, 'ws');
const say = (ws, msgType, msgData = null, more = {}) =>
  ws.send(JSON.stringify({ requestId: `${msgType}-1`, msgType, msgData, ...more }));
const next = async (ws) => { await until(() => ws.heard.length, 'a message'); return ws.heard.shift(); };
// On a connection of its own: one that was kept would be closed after limits.idle_timeout,
// in the middle of a command line that keeps us from hearing of it.
const post = (path, headers, body) => new Promise((done, fail) => {
  const r = http.request(stack.url + path, { method: 'POST', agent: false,
    headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
    let text = '';
    answer.on('data', (d) => { text += d; }).on('error', fail);
    answer.on('end', () => done({ status: answer.statusCode, body: JSON.parse(text) }));
  });
  r.on('error', fail).end(JSON.stringify(body));
});
const sign = async (token) => (await post('/web?env=test', {}, { action: 'auth.wsWebSign', dataVersion: '2020-01-10',
  env: 'test', runtime: 'web', access_token: token })).body;
const login = (ws, signStr) => say(ws, 'LOGIN', { envId: 'test', accessToken: '', referrer: 'web', sdkVersion: '', dataVersion: '' },
  { exMsgData: { runtime: 'web', signStr, secretVersion: '1' } });

test('an independent client talks, pings and closes', { skip }, async () => {
  const ws = await open(`${address()}/ws`);
  say(ws, 'PING');
  assert.deepEqual(await next(ws), { requestId: 'PING-1', msgType: 'PONG', msgData: null });
  const pong = new Promise((done) => ws.on('pong', (d) => done(String(d))));
  ws.ping('hello');
  assert.equal(await pong, 'hello');
  ws.close(3001, 'NoRealtimeListeners');
  assert.equal((await ws.gone)[0], 3001);
});

test('the same over TLS', { skip }, async () => {
  const ws = await open(`${stack.tlsUrl.replace(/^http/, 'ws')}/ws`, [], { ca: stack.caPem });
  for (let i = 0; i < 50; i++) say(ws, 'PING', null, { requestId: `r${i}` });
  await until(() => ws.heard.length === 50, 'fifty answers');
  assert.deepEqual(ws.heard.map((m) => m.requestId), Array.from({ length: 50 }, (_, i) => `r${i}`));
  ws.close(1000);
  assert.equal((await ws.gone)[0], 1000);
});

test('a quiet client is asked for a sign of life, and stays when it gives one', { skip }, async () => {
  const ws = await open(`${address()}/ws`);
  let pings = 0;
  ws.on('ping', () => pings++);
  await until(() => pings >= 3, 'three pings, past limits.idle_timeout');
  say(ws, 'PING');
  assert.equal((await next(ws)).msgType, 'PONG');
  ws.close();
});

test('one that gives none is gone', async () => {
  const { status, rest, socket } = await raw(hello());
  assert.equal(status, 101);
  const ended = new Promise((done) => { socket.on('end', () => done(rest())); });
  assert.deepEqual([...await ended], [0x89, 0]);
  socket.destroy();
});

test('the WebSocket that Node.js brings talks, too', { skip: !globalThis.WebSocket && 'this Node.js has none' }, async () => {
  const ws = new globalThis.WebSocket(`${address()}/ws`);
  const heard = new Promise((done) => { ws.onmessage = (m) => done(JSON.parse(m.data)); });
  ws.onopen = () => ws.send(JSON.stringify({ requestId: 'r', msgType: 'PING', msgData: null }));
  assert.equal((await heard).msgType, 'PONG');
  ws.close(3001);
});

test('auth.wsWebSign says where to go, and LOGIN takes its signature', { skip }, async () => {
  const answer = await sign(stack.token('someone'));
  assert.deepEqual(Object.keys(answer.data).sort(), ['envId', 'secretVersion', 'signStr', 'wsUrl']);
  assert.equal(answer.data.wsUrl, `${address()}/ws`);
  assert.equal(typeof answer.requestId, 'string');
  const ws = await open(answer.data.wsUrl);
  login(ws, answer.data.signStr);
  assert.deepEqual(await next(ws), { requestId: 'LOGIN-1', msgType: 'LOGIN_RES', msgData: { envId: answer.data.envId } });
  login(ws, answer.data.signStr);
  assert.equal((await next(ws)).msgType, 'LOGIN_RES');
  const other = await sign(stack.token('somebody-else'));
  login(ws, other.data.signStr);
  assert.equal((await next(ws)).msgData.code, 'SIGN_INVALID_ERROR');
  ws.close();
  assert.equal((await sign(undefined)).code, 'CHECK_LOGIN_FAILED');
});

test('a stranger, a forged signature and nonsense are told so', { skip }, async () => {
  const ws = await open(`${address()}/ws`);
  const { data: { signStr } } = await sign(stack.token('someone'));
  const forged = signStr.slice(0, -2) + (signStr.endsWith('AA') ? 'BB' : 'AA');
  for (const [message, code] of [
    [{ msgType: 'INIT_WATCH', watchId: 'w', msgData: { collName: 'c', query: '{}' } }, 'CHECK_LOGIN_FAILED'],
    [{ msgType: 'LOGIN', msgData: {}, exMsgData: { signStr: forged } }, 'SIGN_INVALID_ERROR'],
    [{ msgType: 'LOGIN', msgData: {}, exMsgData: { signStr: '' } }, 'SIGN_INVALID_ERROR'],
    [{ msgType: 'LOGIN', msgData: {} }, 'INVALID_PARAM'],
    [{ msgType: 'DANCE', msgData: {} }, 'INVALID_PARAM'],
    [[1, 2], 'INVALID_PARAM'], ['text', 'INVALID_PARAM']]) {
    ws.send(JSON.stringify(Array.isArray(message) || typeof message === 'string' ? message : { requestId: 'q', ...message }));
    const heard = await next(ws);
    assert.deepEqual([heard.msgType, heard.msgData.code], ['ERROR', code], JSON.stringify(message));
    assert.ok(heard.msgData.message.length > 10);
  }
  ws.send('{"broken');
  assert.equal((await next(ws)).msgData.code, 'INVALID_PARAM');
  ws.send(Buffer.from([1, 2, 3]));
  assert.equal((await ws.gone)[0], 1003);
});

test('a message past its ceiling closes with 1009', { skip }, async () => {
  const ws = await open(`${address()}/ws`);
  ws.send('x'.repeat(200 * 1024));
  assert.equal((await ws.gone)[0], 1009);
});

test('a client that sends without pause is put off', { skip }, async () => {
  const from = performance.now();
  const ws = await open(`${address()}/ws`);
  let sent = 0, gone = false;
  ws.gone.then(() => { gone = true; });
  for (; !gone; await new Promise(setImmediate))
    for (let i = 0; i < 100 && ws.bufferedAmount < 1e6; i++, sent++) say(ws, 'PING');
  assert.equal((await ws.gone)[0], 1013);
  const paced = 400 + Math.ceil((performance.now() - from) / 20); // at once, and 50 a second
  assert.ok(ws.heard.length >= 400 && ws.heard.length <= Math.min(paced, sent - 1), `${ws.heard.length} of ${sent}`);
});

test('a user may have so many connections and no more', { skip }, async () => {
  const { data: { signStr } } = await sign(stack.token('many'));
  const all = [];
  let refused = 0;
  for (let i = 0; i < 45 && !refused; i++) {
    const ws = await open(`${address()}/ws`);
    login(ws, signStr);
    const heard = await next(ws);
    if (heard.msgType === 'ERROR') {
      refused++;
      assert.match(heard.msgData.message, /sockets\.user/);
      assert.equal((await ws.gone)[0], 1013);
    }
    all.push(ws);
  }
  assert.equal(refused, 1);
  assert.ok(all.length > 20 && all.length <= 41, String(all.length)); // 20 in each of two gateways
  for (const ws of all) ws.terminate();
});

test('a user may watch so much and no more', { skip }, async () => {
  const { data: { signStr } } = await sign(stack.token('greedy'));
  const all = [];
  for (let i = 0; i < 5; i++) {
    const ws = await open(`${address()}/ws`);
    login(ws, signStr);
    await next(ws);
    for (let k = 0; k < 100; k++) say(ws, 'INIT_WATCH', { envId: 'test', collName: 'items', query: '{"tag":"none"}' }, { watchId: `w${k}` });
    await until(() => ws.heard.length === 100, 'a hundred answers');
    all.push(ws);
  }
  const heard = all.flatMap((ws) => ws.heard);
  const refused = heard.filter((m) => m.msgType === 'ERROR');
  const begun = heard.length - refused.length; // 200 in each gateway that was met
  assert.ok(begun === 200 || (begun > 200 && begun <= 400), String(begun));
  for (const { msgData } of refused) assert.match(msgData.message, /sockets\.user_watches/);
  for (const ws of all) ws.terminate();
});

test('a logout ends the connections of its session, and only those', { skip }, async () => {
  const one = await stack.login();
  const two = stack.token('stays');
  const sockets = [];
  for (const token of [one.accessToken, two]) {
    const { data } = await sign(token);
    const ws = await open(data.wsUrl);
    login(ws, data.signStr);
    assert.equal((await next(ws)).msgType, 'LOGIN_RES');
    sockets.push({ ws, signStr: data.signStr });
  }
  const out = await post('/v1/logout', { authorization: `Bearer ${one.accessToken}` }, {});
  assert.equal(out.status, 200);
  assert.equal((await sockets[0].ws.gone)[0], 3050);
  const again = await open(`${address()}/ws`);
  login(again, sockets[0].signStr);
  assert.equal((await next(again)).msgData.code, 'CHECK_LOGIN_FAILED');
  assert.equal((await again.gone)[0], 3050);
  say(sockets[1].ws, 'PING');
  assert.equal((await next(sockets[1].ws)).msgType, 'PONG');
  sockets[1].ws.close();
});

test('a blocked user is put out', { skip }, async () => {
  const { accessToken, uid } = await stack.login();
  const { data } = await sign(accessToken);
  const ws = await open(data.wsUrl);
  login(ws, data.signStr);
  assert.equal((await next(ws)).msgType, 'LOGIN_RES');
  const blocked = stack.cli('users', 'block', uid ?? '');
  assert.equal(blocked.status, 0, blocked.stderr);
  assert.equal((await ws.gone)[0], 3050);
});
