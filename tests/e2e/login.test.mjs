// Logins of several mini programs under one daemon, against the sandbox: whose
// code it is, what WeChat refuses and what a user is told, devices, blocked
// users, the login trigger.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { appendFileSync, readFileSync } from 'node:fs';
import { callFunction, join, source, startStack, until } from '../lib/stack.mjs';

const { Cloud } = createRequire(import.meta.url)(join(source, 'client/mpcloud.js'));

let stack;
const apps = []; // appids; the first is [wechat]
const secrets = [];

const post = async (url, body, headers = {}) => {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null, headers: answer.headers, text };
};
const sandbox = async (path, body = {}) => (await post(stack.sandbox + path, body)).body;
const code = async (more = {}) => (await sandbox('/sandbox/code', more)).code;
const logIn = (body, headers) => post(`${stack.url}/v1/login`, body, headers);
const session = async (token) => {
  const answer = await fetch(`${stack.url}/v1/session`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: await answer.json() };
};
const whoami = async (token) => (await callFunction(stack, 'whoami', {}, token)).body;
const asked = async () => (await (await fetch(`${stack.sandbox}/sandbox/counts`)).json())['/sns/jscode2session'] ?? 0;

before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/login'), gateways: 2 });
  apps.push((await (await fetch(`${stack.sandbox}/sandbox/keys`)).json()).appid);
  for (const appid of ['wx00000000000000a1', 'wx00000000000000b2']) {
    const made = await sandbox('/sandbox/apps', { appid });
    apps.push(made.appid);
    secrets.push(readFileSync(made.secretFile, 'utf8').trim());
    appendFileSync(stack.config, `\n[wechat ${made.appid}]\nsecret_file = ${made.secretFile}\n`);
  }
  const reloaded = stack.cli('reload');
  assert.equal(reloaded.status, 0, reloaded.stderr);
});
after(() => stack?.stop());

test('a code is asked about with the secret of the mini program that it is of', async () => {
  const uids = new Set();
  for (const appid of apps) {
    const { status, body } = await logIn({ code: await code({ appid, unionid: 'union-1' }), appid });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal((await session(body.accessToken)).body.appid, appid);
    const who = await whoami(body.accessToken);
    assert.deepEqual([who.appid, who.uid, who.unionid, who.anonymous], [appid, body.uid, 'union-1', 'false']);
    uids.add(body.uid);
    const fresh = await post(`${stack.url}/v1/token/refresh`, { refreshToken: body.refreshToken });
    assert.equal((await session(fresh.body.accessToken)).body.appid, appid);
  }
  assert.equal(uids.size, 3);
});

test('the mini program may be told by the proxy\'s header or the Referer, too', async () => {
  const [first, second] = apps;
  const rows = [[{ 'x-wx-appid': second }, {}, second], [{ referer: `https://servicewechat.com/${second}/12/page-frame.html` }, {}, second],
    [{ referer: 'https://servicewechat.com/touristappid/devtools/page-frame.html' }, {}, first],
    [{ referer: `https://servicewechat.com.example/${second}/` }, {}, first], [{}, {}, first],
    [{ 'x-wx-appid': second }, { appid: first }, first]];
  for (const [headers, body, appid] of rows) {
    const answer = await logIn({ code: await code({ appid }), ...body }, headers);
    assert.equal(answer.status, 200, JSON.stringify([headers, answer.body]));
    assert.equal((await session(answer.body.accessToken)).body.appid, appid);
  }
});

test('a mini program that is not served is named, the others are not', async () => {
  const before_ = await asked();
  const { status, body } = await logIn({ code: await code(), appid: 'wx9999999999999999' });
  assert.deepEqual([status, body.code], [400, 'INVALID_PARAM']);
  assert.match(body.message, /^appid: .*not served here/);
  for (const appid of apps) assert.ok(!body.message.includes(appid));
  assert.equal(await asked(), before_);
});

test('a code of one mini program is none of another', async () => {
  const { status, body } = await logIn({ code: await code({ appid: apps[1] }), appid: apps[2] });
  assert.deepEqual([status, body.code], [401, 'INVALID_CODE']);
  assert.match(body.message, /call wx\.login again/);
});

test('one code shown many times at once is one question of each gateway, and as many sessions', async () => {
  const appid = apps[1];
  const shown = await code({ appid });
  const before_ = await asked();
  await sandbox('/sandbox/fault', { path: '/sns/jscode2session', kind: 'delay', delay: 100 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => logIn({ code: shown, appid })));
  assert.deepEqual(answers.map((a) => a.status), Array(10).fill(200));
  assert.equal(new Set(answers.map((a) => a.body.uid)).size, 1);
  assert.equal(new Set(answers.map((a) => a.body.refreshToken)).size, 10);
  const questions = await asked() - before_;
  assert.ok(questions >= 1 && questions <= 2, `${questions}`);
  assert.equal((await logIn({ code: shown, appid })).body.code, 'INVALID_CODE');
});

test('what WeChat refuses is told with a status and what to do', async () => {
  const used = await code();
  await logIn({ code: used });
  const rows = [[used, 401, 'INVALID_CODE', /used already: call wx\.login again/], ['nonsense', 401, 'INVALID_CODE', /call wx\.login again/],
    [await code({ blocked: true }), 403, 'USER_BLOCKED', /high-risk/]];
  for (const [shown, status, word, text] of rows) {
    const answer = await logIn({ code: shown });
    assert.deepEqual([answer.status, answer.body.code], [status, word]);
    assert.match(answer.body.message, text);
  }
  const { openid } = await sandbox('/sandbox/code');
  let last;
  for (let i = 0; i < 202 && last?.status !== 429; i++) last = await logIn({ code: await code({ openid }) });
  assert.deepEqual([last.status, last.body.code], [429, 'EXCEED_RATELIMIT']);
  assert.equal(last.headers.get('retry-after'), '60');
});

test('a busy WeChat is asked once more; one that did not answer is not', async () => {
  const path = '/sns/jscode2session';
  let before_ = await asked();
  await sandbox('/sandbox/fault', { path, kind: 'busy' });
  assert.equal((await logIn({ code: await code() })).status, 200);
  assert.equal(await asked(), before_ + 2);
  await sandbox('/sandbox/fault', { path, kind: 'busy', count: 2 });
  const busy = await logIn({ code: await code() });
  assert.deepEqual([busy.status, busy.body.message], [503, 'WeChat is busy: call wx.login again shortly']);
  assert.ok(busy.headers.get('retry-after'));
  before_ = await asked();
  await sandbox('/sandbox/fault', { path, kind: 'drop' });
  const dropped = await logIn({ code: await code() });
  assert.equal(dropped.status, 502);
  assert.match(dropped.body.message, /may be used up: call wx\.login again/);
  assert.equal(await asked(), before_ + 1);
});

test('a wrong secret is the operator\'s: the log says which section and what to do', async () => {
  const made = await sandbox('/sandbox/apps', { appid: 'wx00000000000000c3' });
  const text = readFileSync(stack.config, 'utf8');
  appendFileSync(stack.config, `\n[wechat ${made.appid}]\nsecret_file = ${made.secretFile.replace(made.appid, apps[1])}\n`);
  assert.equal(stack.cli('reload').status, 0);
  const { status, body } = await logIn({ code: await code({ appid: made.appid }), appid: made.appid });
  assert.deepEqual([status, body.code], [500, 'SYS_ERR']);
  assert.match(body.message, /^\[wechat wx00000000000000c3\] WeChat refused the AppSecret: check secret_file/);
  const said = stack.daemonLog().split('\n').filter((l) => l.includes('wechat.config')).map((l) => JSON.parse(l)).at(-1);
  assert.deepEqual([said.level, said.appid, said.errcode], ['error', made.appid, 40125]);
  assert.match(said.do, /check secret_file/);
  assert.ok(text.length > 0);
});

test('the client logs in as the mini program that it is', async () => {
  const appid = apps[2];
  const wx = {
    login: ({ success }) => code({ appid }).then((c) => success({ code: c })),
    getAccountInfoSync: () => ({ miniProgram: { appId: appid } }),
    getDeviceInfo: () => ({ brand: 'Apple', model: 'iPhone 15' }),
    request: ({ url, method, data, header, success, fail }) => fetch(url, { method, headers: header, body: data })
      .then(async (r) => success({ statusCode: r.status, data: await r.text(), header: Object.fromEntries(r.headers) }), fail),
  };
  const cloud = new Cloud({ url: stack.url, wx });
  const { result } = await cloud.callFunction({ name: 'whoami' });
  assert.equal(result.appid, appid);
  const { devices } = await cloud.devices();
  assert.deepEqual(devices.map((d) => [d.device, d.kind, d.appid, d.current]), [['Apple iPhone 15', 'wechat', appid, true]]);
  const other = new Cloud({ url: stack.url, wx });
  await other.login();
  await cloud.endDevice({ sid: devices[0].sid });
  assert.equal((await session(cloud.tokens.accessToken)).status, 401);
  await other.logout({ all: true });
});

test('a user sees where he is logged in, and ends one or all', async () => {
  const { openid } = await sandbox('/sandbox/code');
  const from = async (headers, more = {}) => (await logIn({ code: await code({ openid }), ...more }, headers)).body;
  const a = await from({ 'x-mpcloud-device': 'first phone' });
  const b = await from({ 'user-agent': 'MicroMessenger/8.0 <b>' });
  const c = await from({ 'x-mpcloud-device': 'header' }, { device: '小明的 iPhone' });
  const stranger = (await logIn({ code: await code() })).body;
  const list = async (token) => (await (await fetch(`${stack.url}/v1/session/devices`,
    { headers: { authorization: `Bearer ${token}` } })).json()).devices;
  const seen = await list(a.accessToken);
  assert.deepEqual(new Set(seen.map((d) => d.device)), new Set(['first phone', 'MicroMessenger/8.0 <b>', '小明的 iPhone']));
  assert.deepEqual(seen.filter((d) => d.current).map((d) => d.device), ['first phone']);
  for (const d of seen) {
    assert.match(d.sid, /^[0-9a-f]{16}$/);
    assert.ok(Math.abs(Date.parse(d.createdAt) - Date.now()) < 600000 && d.usedAt >= d.createdAt);
  }
  const end = async (token, sid) => (await fetch(`${stack.url}/v1/session/devices/${sid}`,
    { method: 'DELETE', headers: { authorization: `Bearer ${token}` } })).status;
  const sidOf = (name) => seen.find((d) => d.device === name).sid;
  assert.equal(await end(stranger.accessToken, sidOf('first phone')), 404);
  assert.equal(await end(a.accessToken, sidOf('小明的 iPhone')), 200);
  assert.equal(await end(a.accessToken, sidOf('小明的 iPhone')), 404);
  assert.equal(await end(a.accessToken, 'nothing'), 400);
  assert.deepEqual([(await session(c.accessToken)).status, (await session(b.accessToken)).status], [401, 200]);
  const out = await post(`${stack.url}/v1/logout`, { all: true }, { authorization: `Bearer ${a.accessToken}` });
  assert.equal(out.status, 200);
  for (const token of [a, b].map((t) => t.accessToken)) assert.equal((await session(token)).status, 401);
  for (const { refreshToken } of [a, b, c])
    assert.equal((await post(`${stack.url}/v1/token/refresh`, { refreshToken })).status, 401);
  assert.equal((await session(stranger.accessToken)).status, 200);
});

test('a blocked user is logged out and does not come in again until he is unblocked', async () => {
  const { openid } = await sandbox('/sandbox/code');
  const { body } = await logIn({ code: await code({ openid }) });
  assert.equal(stack.cli('users', 'block', body.uid).status, 0);
  assert.equal((await session(body.accessToken)).status, 401);
  const again = await logIn({ code: await code({ openid }) });
  assert.deepEqual([again.status, again.body.code], [403, 'USER_BLOCKED']);
  assert.match(again.body.message, /blocked on this server/);
  assert.equal(stack.cli('users', 'unblock', body.uid).status, 0);
  assert.equal((await logIn({ code: await code({ openid }) })).body.uid, body.uid);
});

test('a login trigger is called once for each login, the one for first logins once for a user', async () => {
  const appid = apps[1];
  const { openid } = await sandbox('/sandbox/code', { appid });
  const { body: { uid } } = await logIn({ code: await code({ appid, openid, unionid: 'union-2' }), appid });
  await logIn({ code: await code({ appid, openid }), appid });
  const calls = async () => stack.cliJson('db', 'query', 'welcomes', JSON.stringify({ uid }), '--limit', '100');
  const found = await until(async () => {
    const list = await calls();
    return (list.length ?? list.list.length) >= 3 && list;
  }, 'the triggers were called');
  const list = (found.list ?? found).map((d) => [d.trigger, d.what, d.appid, d.openid, d.unionid]).sort();
  assert.deepEqual(list, [['again', 'again'], ['again', 'first'], ['hello', 'first']].map((w) => [...w, appid, openid, 'union-2']));
});

test('no answer and no log holds an openid, a session_key or a secret', async () => {
  const { openid } = await sandbox('/sandbox/code');
  const { text } = await logIn({ code: await code({ openid }) });
  assert.ok(!text.includes(openid));
  const log = stack.daemonLog();
  for (const secret of secrets) assert.ok(!log.includes(secret));
  assert.ok(!/session_key":"|secret=/.test(log));
  assert.ok(!log.includes(openid));
});
