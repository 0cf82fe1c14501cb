// WebSockets to a function and callContainer, with an independent client.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { join, lacksPackages, ordinaryUser, source, startStack, until } from '../lib/stack.mjs';

const skip = lacksPackages('tests');
const WebSocket = skip ? null : (await import('ws')).default;

let stack;
let token;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/watch'), gateways: 2, owner: ordinaryUser() });
  token = stack.token('alice');
});
after(() => stack?.stop());

const url = (path) => stack.url.replace(/^http/, 'ws') + path;
const CHAT = '/v1/cloudrun/chat';
const asUser = (more = {}) => ({ headers: { authorization: `Bearer ${token}`, ...more } });

// A connection, or {status, body} of the refusal.
const open = (path, { protocols = [], ...options } = asUser()) => new Promise((done, fail) => {
  const ws = new WebSocket(url(path), protocols, options);
  ws.heard = [];
  ws.on('message', (d) => ws.heard.push(String(d)));
  ws.gone = new Promise((end) => ws.on('close', (code, reason) => end([code, String(reason)])));
  ws.on('unexpected-response', (request, answer) => {
    let body = '';
    answer.on('data', (d) => { body += d; });
    answer.on('end', () => done({ status: answer.statusCode, body }));
  });
  ws.on('open', () => done(ws));
  ws.on('error', fail);
});
const next = async (ws) => { await until(() => ws.heard.length, 'a message'); return ws.heard.shift(); };
const ask = async (ws, text) => { ws.send(text); return next(ws); };
const call = async (name, event) => (await fetch(`${stack.url}/v1/functions/${name}`, { method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(event) })).json();

test('each message is a call, and what it returns is the answer', { skip }, async () => {
  const ws = await open(`${CHAT}/room/1`);
  assert.equal(await ask(ws, 'hello'), 'heard hello');
  assert.deepEqual(JSON.parse(await ask(ws, 'who')), { openid: 'alice' });
  ws.send(Buffer.alloc(300, 1));
  assert.deepEqual(JSON.parse(await next(ws)), { bytes: 300 });
  ws.send('silent');
  assert.equal(await ask(ws, 'after'), 'heard after');
  ws.close(3001, 'bye');
  assert.equal((await ws.gone)[0], 3001);
});

test('messages of a connection are handled in order, however fast they come', { skip }, async () => {
  const ws = await open(CHAT);
  const wanted = Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? `slow ${i}` : `${i}`));
  for (const text of wanted) ws.send(text);
  await until(() => ws.heard.length === 100, 'a hundred answers');
  assert.deepEqual(ws.heard, wanted.map((t) => `heard ${t}`));
  ws.close();
});

test('a function tells another connection, in whichever gateway it is', { skip }, async () => {
  const all = [];
  const ids = [];
  const in_ = (gateway) => ids.filter((id) => id.startsWith(`${gateway}-`)).length;
  // Whichever gateway takes a connection, two of each in the end.
  await until(async () => {
    const ws = await open(CHAT);
    const id = await ask(ws, 'id');
    if (in_(id.split('-')[0]) < 2) {
      all.push(ws);
      ids.push(id);
    } else {
      ws.close();
      await ws.gone;
    }
    return all.length === 4;
  }, 'connections in both gateways', 500);
  assert.deepEqual([in_(0), in_(1)], [2, 2]);
  for (const [i, to] of ids.entries()) {
    const from = all[(i + 1) % 4];
    assert.equal(await ask(from, `tell ${to} message ${i}`), 'told');
    assert.equal(await next(all[i]), `message ${i}`);
  }
  all[0].close();
  await all[0].gone;
  await until(async () => (await ask(all[1], `tell ${ids[0]} x`)) === 'not told: RESOURCE_NOT_FOUND', 'it is known to be gone');
  assert.equal(await ask(all[1], 'tell 0-00000000000000000000000000000000 x'), 'not told: RESOURCE_NOT_FOUND');
  assert.equal(await ask(all[1], 'tell nonsense x'), 'not told: RESOURCE_NOT_FOUND');
  for (const ws of all) ws.close();
});

test('a function is told the beginning and the end', { skip }, async () => {
  const ws = await open(CHAT);
  const id = await ask(ws, 'id');
  ws.close(3123);
  const mine = await until(async () => {
    const seen = await call('chat', { seen: id });
    return Array.isArray(seen) && seen.at(-1)?.type === 'websocket.close' && seen;
  }, 'the end is told');
  assert.deepEqual(mine.map((s) => [s.type, s.what]), [['websocket.upgrade', null], ['websocket.connection', null],
    ['websocket.message', 'id'], ['websocket.close', 3123]]);
});

test('a function ends a connection, and so does its failure', { skip }, async () => {
  const one = await open(CHAT);
  one.send('end');
  assert.deepEqual(await one.gone, [3333, 'as asked']);
  const two = await open(CHAT);
  two.send('throw');
  assert.deepEqual(await two.gone, [1011, 'FUNCTIONS_EXECUTE_FAIL']);
});

test('a function that does not say yes is not connected to', { skip }, async () => {
  const unaware = await open('/v1/cloudrun/echo');
  assert.equal(unaware.status, 403);
  assert.match(JSON.parse(unaware.body).message, /allowWebSocket/);
  assert.equal((await open(`${CHAT}?never=1`)).status, 403);
  assert.deepEqual(await open(`${CHAT}?no=1`), { status: 451, body: 'not you' });
  assert.equal((await open('/v1/cloudrun/nobody')).status, 404);
});

test('a token is needed, and may come as a subprotocol', { skip }, async () => {
  assert.equal((await open(CHAT, {})).status, 401);
  assert.equal((await open(CHAT, { headers: { authorization: 'Bearer nonsense' } })).status, 401);
  const ws = await open(CHAT, { protocols: ['mpcloud', `mpcloud.token.${token}`] });
  assert.equal(ws.protocol, 'mpcloud');
  assert.deepEqual(JSON.parse(await ask(ws, 'who')), { openid: 'alice' });
  ws.close();
});

test('connectContainer\'s header names the function, too', { skip }, async () => {
  const ws = await open('/any/path', asUser({ 'X-WX-Service': 'chat' }));
  assert.equal(await ask(ws, 'hello'), 'heard hello');
  ws.close();
});

test('callContainer is a request to the function', async () => {
  const post = (path, headers = {}, method = 'POST') => fetch(stack.url + path, { method,
    headers: { authorization: `Bearer ${token}`, ...headers }, body: method === 'GET' ? undefined : 'text' });
  const one = await post(`${CHAT}/a%20b/c?x=1`);
  assert.deepEqual([one.status, await one.text()], [200, 'POST /a%20b/c text']);
  const two = await post('/a/b', { 'x-wx-service': 'chat' }, 'PUT');
  assert.deepEqual([two.status, await two.text()], [200, 'PUT /a/b text']);
  const root = await post(CHAT, {}, 'GET');
  assert.equal((await root.text()).trim(), 'GET /');
  assert.equal((await fetch(`${stack.url}${CHAT}/x`)).status, 401);
  assert.equal((await post('/v1/cloudrun/nobody/x')).status, 404);
});

test('a connection ends with the API key that opened it, and no other does', { skip }, async () => {
  const by = (key) => open('/keyed/room', { headers: { 'x-api-key': key } });
  const [first, second] = ['first', 'second'].map((name) => stack.cliJson('apikeys', 'add', name).key);
  assert.equal((await open('/keyed/room', asUser())).status, 401);
  const [one, two, mine] = [await by(first), await by(second), await open(CHAT)];
  assert.equal(await ask(one, 'hello'), 'heard hello');
  stack.cli('apikeys', 'revoke', 'first');
  assert.equal((await one.gone)[0], 3050);
  assert.equal((await by(first)).status, 401);
  for (const ws of [two, mine]) {
    assert.equal(await ask(ws, 'still here'), 'heard still here');
    ws.close();
  }
});

test('a page may not send to a connection as a function does', { skip }, async () => {
  const ws = await open(CHAT);
  const id = await ask(ws, 'id');
  const refused = await (await fetch(`${stack.url}/web?env=test`, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'websocket.send', connectionId: id, data: 'x', access_token: token }) })).json();
  assert.equal(refused.code, 'PERMISSION_DENIED');
  ws.close();
});
