// The gateway as its clients see it: paths, sessions, limits, the action
// protocol, the two unix sockets, what is logged.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { callFunction, join, source, startStack, until } from '../lib/stack.mjs';

let stack, token;
const openid = 'oGatewayUserAbcdef0123456';
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo', 'faulty', 'native'], gateways: 1 });
  token = stack.token(openid);
});
after(() => stack?.stop());

async function ask(method, path, body, headers = {}) {
  const answer = await fetch(stack.url + path, { method, headers,
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: text ? JSON.parse(text) : null };
}

const bearer = (t = token) => ({ authorization: `Bearer ${t}` });

// Over a unix socket.
function askSocket(name, method, path, body) {
  return new Promise((done, fail) => {
    const r = request({ socketPath: join(stack.run, 'run', name), method, path }, (answer) => {
      let text = '';
      answer.on('data', (d) => { text += d; });
      answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, body: JSON.parse(text) }));
    });
    r.on('error', fail);
    r.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const lines = () => stack.daemonLog().split('\n').filter((l) => l.startsWith('{')).map((l) => JSON.parse(l));
const accessLine = (id) => until(() => lines().find((l) => l.event === 'access' && l.requestId === id),
  `the access line of ${id}`);

test('unknown paths are 404, wrong methods 405 with Allow', async () => {
  const none = await ask('GET', '/nothing/here');
  assert.equal(none.status, 404);
  assert.equal(none.body.code, 'INVALID_PATH');
  const wrong = await ask('PUT', '/v1/login', '{}');
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get('allow'), 'POST');
  assert.equal(wrong.body.code, 'INVALID_METHOD');
  assert.equal((await fetch(`${stack.url}/healthz`, { method: 'HEAD' })).status, 200);
  for (const path of ['/ops/token', '/ops/status', '/ops/collections'])
    assert.equal((await ask('POST', path, '{}')).status, 404);
});

test('what a gateway holds open is for no program that it starts', async () => {
  await fetch(`${stack.url}/v1/files/none.png`, { method: 'PUT', body: 'no image', headers: bearer() });
  const thumb = await fetch(`${stack.url}/v1/files/none.png?thumb=9x9`, { headers: bearer() });
  assert.ok([400, 501].includes(thumb.status), await thumb.text());
  const at = `/proc/${stack.status().gateways[0].pid}`;
  const O_CLOEXEC = 0o2000000;
  const kept = readdirSync(`${at}/fd`).filter((fd) => fd > 2 &&
    !(parseInt(/^flags:\s+(\d+)/m.exec(readFileSync(`${at}/fdinfo/${fd}`, 'utf8'))[1], 8) & O_CLOEXEC));
  assert.deepEqual(kept.map((fd) => readlinkSync(`${at}/fd/${fd}`)), []);
});

test('probes say ok', async () => {
  assert.deepEqual((await ask('GET', '/healthz')).body, { status: 'ok' });
  assert.deepEqual((await ask('GET', '/readyz')).body, { status: 'ok' });
});

test('an access line has the request id and no secret', async () => {
  const answer = await ask('GET', '/v1/session?secret=inquery', undefined, bearer());
  assert.equal(answer.status, 200);
  const line = await accessLine(answer.headers.get('x-request-id'));
  assert.equal(line.method, 'GET');
  assert.equal(line.path, '/v1/session');
  assert.equal(line.status, 200);
  assert.equal(line.bytes, answer.text.length);
  assert.equal(line.uid, answer.body.uid);
  assert.equal(line.ip, '127.0.0.1');
  assert.equal(typeof line.ms, 'number');
  const log = stack.daemonLog();
  for (const secret of [token, openid, 'inquery']) assert.ok(!log.includes(secret));
});

test('a session is uid, appid and expiry, and ends at logout', async () => {
  const t = stack.token('oGatewayLogoutUser0123456');
  const session = await ask('GET', '/v1/session', undefined, bearer(t));
  assert.deepEqual(Object.keys(session.body).sort(), ['appid', 'expiresAt', 'uid']);
  assert.ok(session.body.expiresAt > Date.now() / 1000);
  assert.equal((await ask('POST', '/v1/logout', undefined, bearer(t))).status, 200);
  const after = await ask('GET', '/v1/session', undefined, bearer(t));
  assert.equal(after.status, 401);
  assert.equal(after.headers.get('www-authenticate'), 'Bearer');
});

test('without a token, with another scheme, with a changed one: 401', async () => {
  const changed = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA');
  for (const headers of [{}, { authorization: `Basic ${token}` }, bearer('x'), bearer(changed)]) {
    const answer = await ask('GET', '/v1/session', undefined, headers);
    assert.equal(answer.status, 401, JSON.stringify(headers));
    assert.equal(answer.body.code, 'CHECK_LOGIN_FAILED');
    assert.equal(answer.body.requestId, answer.headers.get('x-request-id'));
  }
});

test('a refresh token is taken in either spelling, once', async () => {
  const { body } = await askSocket('ops.sock', 'POST', '/ops/token', { openid: 'oGatewayRefreshUser012345' });
  assert.equal(body.tokenType, 'Bearer');
  const next = await ask('POST', '/v1/token/refresh', { refreshToken: body.refreshToken });
  assert.equal(next.status, 200, next.text);
  assert.equal(next.body.uid, body.uid);
  const third = await ask('POST', '/v1/token/refresh', { refresh_token: next.body.refreshToken });
  assert.equal(third.status, 200, third.text);
  assert.equal((await ask('POST', '/v1/token/refresh', {})).status, 400);
});

test('an event passes through; what is not JSON does not', async () => {
  assert.deepEqual((await callFunction(stack, 'echo', '{"a": [1.50, "\\u4f60"]}', token)).body.event.a, [1.5, '你']);
  const empty = await ask('POST', '/v1/functions/echo', '', bearer());
  assert.equal(empty.status, 200, empty.text);
  const bad = await ask('POST', '/v1/functions/echo', '{"a":', bearer());
  assert.equal(bad.status, 400);
  assert.equal(bad.body.code, 'INVALID_PARAM');
  const none = await ask('POST', '/v1/functions/nosuch', '{}', bearer());
  assert.equal(none.status, 404);
  assert.equal(none.body.code, 'FUNCTION_NOT_FOUND');
  const stranger = await ask('POST', '/v1/functions/echo', '{}');
  assert.equal(stranger.status, 401);
  const line = await accessLine(none.headers.get('x-request-id'));
  assert.equal(line.function, 'nosuch');
});

test('a body over the ceiling is 413', async () => {
  const answer = await ask('POST', '/v1/login', JSON.stringify({ code: 'x'.repeat(100000) }));
  assert.equal(answer.status, 413);
  assert.equal(answer.body.code, 'EXCEED_REQUEST_SIZE_LIMIT');
});

test('/web answers errors with 200 and a code, as SDKs expect', async () => {
  const cases = [
    [{}, 'INVALID_PARAM'],
    [{ action: 'no.such' }, 'INVALID_ACTION'],
    [{ action: 'database.queryDocument', collectionName: 'notes' }, 'CHECK_LOGIN_FAILED'],
    [{ action: 'database.queryDocument', collectionName: 'notes', access_token: 'x' }, 'CHECK_LOGIN_FAILED'],
    [{ action: 'database.addCollection', collectionName: 'mine', access_token: token }, 'DATABASE_PERMISSION_DENIED'],
    ['[', 'INVALID_PARAM'],
  ];
  for (const [body, code] of cases) {
    const answer = await ask('POST', '/web', body);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
    assert.equal(answer.body.code, code, answer.text);
    assert.equal(typeof answer.body.requestId, 'string');
  }
  const unsigned = await ask('POST', '/admin', { action: 'database.getDocument', collectionName: 'items' });
  assert.equal(unsigned.body.code, 'ACTION_FORBIDDEN');
});

test('js-sdk 1.x: add, query, count, update, delete over /web as the user', async () => {
  const web = async (action, more) => {
    const { body } = await ask('POST', '/web', { action, dataVersion: '2020-01-10',
      collectionName: 'notes', access_token: token, ...more });
    assert.equal(body.code, undefined, JSON.stringify(body));
    return body.data;
  };
  const added = await web('database.addDocument', { data: { a: 1, text: 'x "y" \\' } });
  assert.equal(added.insertedIds[0], added._id);
  const found = await web('database.queryDocument', { query: { _id: added._id }, queryType: 'DOC' });
  assert.equal(found.list.length, 1);
  assert.equal(found.list[0].text, 'x "y" \\');
  assert.ok(!JSON.stringify(found).includes(openid));
  assert.equal((await web('database.countDocument', { query: { a: 1 } })).total, 1);
  assert.equal((await web('database.updateDocument', { query: { _id: added._id }, queryType: 'DOC',
    merge: true, data: { $set: { a: 2 } } })).updated, 1);
  assert.equal((await web('database.deleteDocument', { query: { a: 2 }, queryType: 'WHERE', multi: true })).deleted, 1);
});

test('js-sdk calls a function over /web', async () => {
  const { body } = await ask('POST', '/web', { action: 'functions.invokeFunction', function_name: 'echo',
    request_data: '{"x":1}', access_token: token });
  const result = JSON.parse(body.data.response_data);
  assert.equal(result.event.x, 1);
  assert.equal(result.openid, openid);
  assert.equal(result.source, 'wx_client');
});

test("workers' socket: only calls of a running invocation", async () => {
  const name = 'cloud/cloud-0.sock';
  const call = { action: 'database.getDocument', collectionName: 'items' };
  for (const body of [call, { ...call, sessionToken: '' }, { ...call, sessionToken: 'f'.repeat(48) }]) {
    const answer = await askSocket(name, 'POST', '/admin', body);
    assert.equal(answer.status, 200);
    assert.equal(answer.body.code, 'CHECK_LOGIN_FAILED');
  }
  assert.equal((await askSocket(name, 'POST', '/v1/login', {})).status, 404);
  assert.equal((await askSocket(name, 'GET', '/ops/status')).status, 404);
});

test("the operator's socket: calls as the administrator, generation 2", async () => {
  const ops = (body) => askSocket('ops.sock', 'POST', '/admin', body);
  const made = await ops({ action: 'database.addCollection', collectionName: 'opsmade' });
  assert.deepEqual(Object.keys(made.body), ['requestId']);
  const again = await ops({ action: 'database.addCollection', collectionName: 'opsmade' });
  assert.match(again.body.message, /Table exist/);
  const added = await ops({ action: 'database.insertDocument', collectionName: 'opsmade',
    data: ['{"_id":"q","n":{"$numberInt":"3"},"s":"a\\"b"}'] });
  assert.deepEqual(added.body.data, { insertedIds: ['q'] });
  const found = await ops({ action: 'database.getDocument', collectionName: 'opsmade', queryType: 'DOC', query: '{"_id":"q"}' });
  assert.equal(typeof found.body.data.list[0], 'string');
  assert.equal(JSON.parse(found.body.data.list[0]).s, 'a"b');
  const missing = await ops({ action: 'database.getDocument', collectionName: 'nowhere' });
  assert.equal(missing.body.code, 'DATABASE_COLLECTION_NOT_EXIST');
  assert.equal(missing.body.message, '[ResourceNotFound] Db or Table not exist: nowhere.');
  const tx = await ops({ action: 'database.getDocument', collectionName: 'opsmade', transactionId: 't' });
  assert.equal(tx.body.code, 'DATABASE_TRANSACTION_FAIL');
});

test('a collection is laid down twice and made once', async () => {
  const lay = () => askSocket('ops.sock', 'POST', '/ops/collections', { name: 'laid', permission: 'READONLY',
    documents: [{ _id: 'a', n: 1 }, { _id: 'b', n: 2 }] });
  assert.deepEqual((await lay()).body, { name: 'laid', inserted: 2, kept: 0 });
  assert.deepEqual((await lay()).body, { name: 'laid', inserted: 0, kept: 2 });
  const nameless = await askSocket('ops.sock', 'POST', '/ops/collections', { name: 'laid', documents: [{ n: 1 }] });
  assert.equal(nameless.status, 400);
});

test('status counts', async () => {
  const { body } = await askSocket('ops.sock', 'GET', '/ops/status');
  assert.equal(body.database.up, true);
  assert.ok(body.http.counts.requests > 10);
  assert.ok(body.functions.some((f) => f.name === 'echo'));
});

test('what a function prints is in its log with the request id', async () => {
  const { headers } = await callFunction(stack, 'faulty', { how: 'throws' }, token);
  const path = join(stack.home, 'state/logs/faulty.jsonl');
  await until(() => {
    try {
      return readFileSync(path, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l))
        .find((l) => l.requestId === headers.get('x-request-id') && l.function === 'faulty');
    } catch { return null; }
  }, 'the line of the failed call');
});

function reload(change) {
  writeFileSync(stack.config, change(readFileSync(stack.config, 'utf8')));
  process.kill(stack.pid, 'SIGHUP');
}

test('a bad reload changes nothing; a good one brings limits, told in headers', async () => {
  const good = readFileSync(stack.config, 'utf8');
  reload((text) => `${text}\n[limits]\nuser_rate = many\n`);
  await until(() => lines().some((l) => l.event === 'conf.bad'), 'the bad configuration is named');
  assert.equal((await ask('GET', '/v1/session', undefined, bearer())).status, 200);
  reload(() => good.replace(/^user_rate *=.*$/m, 'user_rate = 6\nuser_burst = 3'));
  const first = await until(async () => {
    const answer = await ask('GET', '/v1/session', undefined, bearer());
    return answer.headers.get('ratelimit-limit') === '3' && answer;
  }, 'the new limit holds');
  assert.equal(first.status, 200);
  let last;
  for (let i = 0; i < 4; i++) last = await ask('GET', '/v1/session', undefined, bearer());
  assert.equal(last.status, 429);
  assert.equal(last.body.code, 'EXCEED_RATELIMIT');
  assert.equal(last.headers.get('ratelimit-remaining'), '0');
  const wait = Number(last.headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 10, String(wait));
  const other = await ask('GET', '/v1/session', undefined, bearer(stack.token('oGatewayOtherUser01234567')));
  assert.equal(other.status, 200);
});
