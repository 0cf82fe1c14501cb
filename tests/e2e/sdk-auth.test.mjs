// Visitors without WeChat: the login of js-sdk in its three generations, what
// such a user owns, and the REST paths that js-sdk 3.x asks.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { callFunction, join, lacksPackages, source, startStack } from '../lib/stack.mjs';
import { openWeb } from './sdk/web.mjs';

const SDKS = { 'cloudbase-js-sdk-1.8.4': undefined, 'cloudbase-js-sdk-2.32.0': undefined,
  'cloudbase-js-sdk-3.7.0': 'GATEWAY' };
const folder = (name) => join(source, 'tests/clients', name);

let stack;
before(async () => { stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo'], gateways: 2 }); });
after(() => stack?.stop());

async function ask(method, path, { token, body, type = 'application/json' } = {}) {
  const answer = await fetch(stack.url + path, { method,
    headers: { ...(body !== undefined && { 'content-type': type }), ...(token && { authorization: `Bearer ${token}` }) },
    body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null, headers: answer.headers };
}
const web = async (action, more = {}) => (await ask('POST', '/web?env=test', { body: { action, dataVersion: '2020-01-10',
  env: 'test', ...more } })).body;
const visit = async () => (await ask('POST', '/auth/v1/signin/anonymously?client_id=test', { body: {} })).body;
const HERE = '/v1/database/instances/(default)/databases/(default)';

for (const [name, mode] of Object.entries(SDKS)) {
  const skip = lacksPackages(`tests/clients/${name}`);
  const open = () => openWeb(folder(name), { url: stack.url, env: 'test', mode });

  test(`${name}: a visitor's documents are his own`, { skip }, async () => {
    const { db } = await open();
    const made = await db.collection('notes').add({ text: 'mine' });
    assert.ok(made.id, JSON.stringify(made));
    const found = (await db.collection('notes').get()).data;
    assert.deepEqual(found.map((d) => d.text), ['mine']);
    const other = await visit();
    const seen = await ask('GET', `${HERE}/collections/notes/documents`, { token: other.access_token });
    assert.deepEqual(seen.body.list, []);
    const removed = await ask('POST', `${HERE}/collections/notes/documents/remove`,
      { token: other.access_token, body: { query: { _id: made.id } } });
    assert.deepEqual(removed.body, { deleted: 0 });
  });

  test(`${name}: a function knows the visitor by his uid`, { skip }, async () => {
    const { app } = await open();
    const { result } = await app.callFunction({ name: 'echo', data: { x: 1 } });
    assert.equal(result.openid ?? '', '');
    assert.equal(result.event.x, 1);
  });
}

test('js-sdk 1.x keeps one refresh token and gets access tokens for it', async () => {
  const made = await web('auth.signInAnonymously', { anonymous_uuid: '', refresh_token: '' });
  assert.match(made.uuid, /^[0-9a-f]{32}$/);
  assert.equal(made.anonymous_uuid, made.uuid);
  for (let i = 0; i < 2; i++) {
    const { access_token: token, access_token_expire: ms } =
      await web('auth.fetchAccessTokenWithRefreshToken', { refresh_token: made.refresh_token });
    assert.equal(ms, 7200000);
    assert.deepEqual((await web('auth.getUserInfo', { access_token: token })).data,
      { uid: made.uuid, loginType: 'ANONYMOUS' });
  }
  const again = await web('auth.signInAnonymously', { anonymous_uuid: made.uuid, refresh_token: made.refresh_token });
  assert.deepEqual([again.uuid, again.refresh_token], [made.uuid, made.refresh_token]);
});

test('a uuid without its token is no way back to the user', async () => {
  const made = await web('auth.signInAnonymously', {});
  const thief = await web('auth.signInAnonymously', { anonymous_uuid: made.uuid, refresh_token: 'x'.repeat(43) });
  assert.notEqual(thief.uuid, made.uuid);
});

test('js-sdk 1.x logs out by its refresh token', async () => {
  const made = await web('auth.signInAnonymously', {});
  const { access_token: token } = await web('auth.fetchAccessTokenWithRefreshToken', { refresh_token: made.refresh_token });
  assert.equal((await web('auth.logout', { refresh_token: made.refresh_token })).code, undefined);
  assert.equal((await web('auth.getUserInfo', { access_token: token })).code, 'CHECK_LOGIN_FAILED');
  assert.equal((await web('auth.fetchAccessTokenWithRefreshToken', { refresh_token: made.refresh_token })).code,
    'INVALID_REFRESH_TOKEN');
});

test('a refresh token of a mini program\'s user is not for js-sdk 1.x', async () => {
  const login = await stack.login();
  assert.equal((await web('auth.fetchAccessTokenWithRefreshToken', { refresh_token: login.refreshToken })).code,
    'INVALID_REFRESH_TOKEN');
});

test('/auth/v1 speaks OAuth: tokens, the user, a refresh, the end', async () => {
  const a = await visit();
  assert.deepEqual({ ...a, access_token: '', refresh_token: '', sub: '' }, { token_type: 'Bearer', access_token: '',
    refresh_token: '', expires_in: 7200, scope: 'anonymous', sub: '', groups: [] });
  const me = await ask('GET', '/auth/v1/user/me', { token: a.access_token });
  assert.deepEqual({ ...me.body, created_at: '', last_sign_in_at: '' }, { sub: a.sub, name: 'anonymous', scope: 'anonymous',
    login_type: 'anonymous', groups: [], created_at: '', last_sign_in_at: '' });
  const b = await ask('POST', '/auth/v1/token', { body: { grant_type: 'refresh_token', refresh_token: a.refresh_token,
    client_id: 'test' } });
  assert.equal(b.body.sub, a.sub);
  assert.notEqual(b.body.refresh_token, a.refresh_token);
  assert.deepEqual((await ask('POST', '/auth/v1/revoke', { body: { token: b.body.access_token } })).body, {});
  const gone = await ask('GET', '/auth/v1/user/me', { token: b.body.access_token });
  assert.deepEqual([gone.status, gone.body.error], [401, 'unauthenticated']);
});

test('/auth/v1 tells errors as OAuth does', async () => {
  const refused = async (method, path, options, status, error) => {
    const answer = await ask(method, path, options);
    assert.deepEqual([answer.status, answer.body.error], [status, error], `${path}: ${JSON.stringify(answer.body)}`);
    assert.ok(answer.body.error_description);
    assert.equal(answer.body.code, undefined);
  };
  await refused('POST', '/auth/v1/token', { body: { grant_type: 'refresh_token', refresh_token: 'nothing' } }, 401, 'invalid_grant');
  await refused('POST', '/auth/v1/token', { body: { grant_type: 'password' } }, 400, 'invalid_argument');
  await refused('POST', '/auth/v1/token', { body: [] }, 400, 'invalid_argument');
  await refused('GET', '/auth/v1/user/me', {}, 401, 'unauthenticated');
  await refused('POST', '/auth/v1/user/signout', { body: {} }, 401, 'unauthenticated');
});

test('a refresh token shown twice ends the visitor\'s login', async () => {
  const a = await visit();
  const body = { grant_type: 'refresh_token', refresh_token: a.refresh_token };
  const b = (await ask('POST', '/auth/v1/token', { body })).body;
  assert.equal((await ask('POST', '/auth/v1/token', { body })).body.error, 'invalid_grant');
  assert.equal((await ask('GET', '/auth/v1/user/me', { token: b.access_token })).status, 401);
});

test('a REST path says what is wrong with fitting status and code', async () => {
  const { access_token: token } = await visit();
  const rows = [
    ['GET', `${HERE}/collections/nowhere/documents`, undefined, 404, 'DATABASE_COLLECTION_NOT_EXIST'],
    ['GET', `${HERE}/collections/items/documents`, undefined, 403, 'DATABASE_PERMISSION_DENIED'],
    ['GET', `${HERE}/collections/notes/documents/nothing`, undefined, 404, 'RESOURCE_NOT_FOUND'],
    ['POST', `${HERE}/collections`, { collectionName: 'mine' }, 403, 'DATABASE_PERMISSION_DENIED'],
    ['POST', `${HERE}/commands`, { commands: [] }, 400, 'INVALID_ACTION'],
    ['POST', `${HERE}/nothing`, {}, 404, 'INVALID_PATH'],
    ['POST', '/v1/database/instances/other/databases/(default)/transactions', {}, 404, 'INVALID_PATH'],
    ['PATCH', `${HERE}/collections/notes/documents`, { query: {} }, 400, 'INVALID_PARAM'],
    ['PATCH', `${HERE}/collections`, {}, 405, 'INVALID_METHOD'],
    ['POST', `${HERE}/transactions/nothing/commit`, undefined, 404, 'DATABASE_TRANSACTION_FAIL'],
  ];
  for (const [method, path, body, status, code] of rows) {
    const answer = await ask(method, path, { token, body });
    assert.deepEqual([answer.status, answer.body.code], [status, code], `${method} ${path} ${JSON.stringify(answer.body)}`);
    assert.ok(answer.body.requestId);
  }
  const wrong = await ask('PATCH', `${HERE}/collections`, { token, body: {} });
  assert.equal(wrong.headers.get('allow'), 'POST');
  assert.equal((await ask('GET', `${HERE}/collections/notes/documents`)).body.code, 'CHECK_LOGIN_FAILED');
});

test('a REST path takes a change without operators as a change of fields', async () => {
  const { access_token: token } = await visit();
  const notes = `${HERE}/collections/notes/documents`;
  const { body: { insertedIds: [_id] } } = await ask('POST', notes, { token, body: { data: [{ a: 1, b: 1 }] } });
  assert.deepEqual((await ask('PATCH', notes, { token, body: { query: { a: 1 }, data: { b: 2 }, multi: true } })).body.updated, 1);
  assert.deepEqual((await ask('GET', `${notes}/${_id}`, { token })).body, { _id, a: 1, b: 2 });
  await ask('PATCH', notes, { token, body: { query: { _id }, data: { c: 3 }, upsert: true } });
  assert.deepEqual((await ask('GET', `${notes}/${_id}`, { token })).body, { _id, c: 3 });
  const counted = await ask('GET', `${notes}?count=true&query=${encodeURIComponent('{"c":{"$gt":1}}')}`, { token });
  assert.deepEqual(counted.body, { total: 1 });
  const listed = await ask('GET', `${notes}?total=true&limit=1&offset=0&query=${encodeURIComponent('{"c":3}')}`, { token });
  assert.deepEqual(listed.body, { list: [{ _id, c: 3 }], limit: 1, offset: 0, total: 1 });
});

// On a connection of its own, which any of the gateways may take.
const askAlone = (path, token, body) => new Promise((resolve, reject) => {
  const request = http.request(stack.url + path, { method: 'POST', agent: false,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' } }, (answer) => {
    let text = '';
    answer.on('data', (part) => { text += part; });
    answer.on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(text) }));
  });
  request.on('error', reject);
  request.end(JSON.stringify(body));
});

test('arrayFilters choose the elements that change', async () => {
  const { access_token: token } = await visit();
  const notes = `${HERE}/collections/notes/documents`;
  const { body: { insertedIds: [_id] } } = await ask('POST', notes, { token, body: { data: [{ l: [{ x: 1 }, { x: 5 }, { x: 9 }] }] } });
  const changed = await ask('PATCH', notes, { token, body: { query: { _id }, data: { $set: { 'l.$[big].seen': true } },
    arrayFilters: [{ 'big.x': { $gt: 3 } }] } });
  assert.equal(changed.body.updated, 1, JSON.stringify(changed.body));
  assert.deepEqual((await ask('GET', `${notes}/${_id}`, { token })).body.l, [{ x: 1 }, { x: 5, seen: true }, { x: 9, seen: true }]);
});

test('a transaction over REST goes through any gateway', async () => {
  const { access_token: token } = await visit();
  const notes = `${HERE}/collections/notes/documents`;
  const { body: { transactionId } } = await ask('POST', `${HERE}/transactions`, { token });
  for (let i = 0; i < 8; i++) {
    const answer = await askAlone(notes, token, { data: [{ tx: i }], transactionId });
    assert.deepEqual([answer.status, Object.keys(answer.body)], [200, ['insertedIds']], JSON.stringify(answer.body));
  }
  const count = async () => (await ask('GET', `${notes}?count=true`, { token })).body.total;
  assert.equal(await count(), 0);
  const other = await visit();
  assert.equal((await ask('POST', `${HERE}/transactions/${transactionId}/commit`, { token: other.access_token })).body.code,
    'DATABASE_TRANSACTION_FAIL');
  assert.equal((await ask('POST', `${HERE}/transactions/${transactionId}/commit`, { token })).status, 200);
  assert.equal(await count(), 8);
});

test('[auth] anonymous = no refuses every visitor', async () => {
  const closed = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo'], gateways: 1, set: { 'auth.anonymous': 'no' } });
  try {
    const oauth = await fetch(`${closed.url}/auth/v1/signin/anonymously`, { method: 'POST', body: '{}' });
    assert.deepEqual([oauth.status, (await oauth.json()).error], [403, 'permission_denied']);
    const call = await fetch(`${closed.url}/web`, { method: 'POST', body: JSON.stringify({ action: 'auth.signInAnonymously' }) });
    assert.equal((await call.json()).code, 'ACTION_FORBIDDEN');
  } finally {
    await closed.stop();
  }
});

test('a visitor calls functions and has no openid there', async () => {
  const { access_token: token } = await visit();
  const { status, body } = await callFunction(stack, 'echo', {}, token);
  assert.equal(status, 200);
  assert.equal(body.openid ?? '', '');
});
