// Users' session_keys: the race of a wx.login that displaces the key while data
// encrypted under it is on its way, with several gateways; open data, CloudIDs,
// and what functions ask about them.  The sandbox plays WeChat and encrypts.
//
// SESSION_KEY_ROUNDS: users of the race (20), six displaced keys each; 1667 for
// ten thousand.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createRequire } from 'node:module';
import { callFunction, join, source, startStack } from '../lib/stack.mjs';

const ROUNDS = Number(process.env.SESSION_KEY_ROUNDS ?? 20);
const LOGINS = 6;
const USERS = 8; // at once
const { Cloud } = createRequire(import.meta.url)(join(source, 'client/mpcloud.js'));

const folder = mkdtempSync(join(tmpdir(), 'mpc-session-key-'));
const clockFile = join(folder, 'clock');
let stack;

function moveClock(seconds) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(seconds) * 1000000000n);
  writeFileSync(clockFile, bytes, { flag: 'r+' });
}

before(async () => {
  chmodSync(folder, 0o755);
  writeFileSync(clockFile, Buffer.alloc(8), { mode: 0o644 });
  stack = await startStack({ project: join(source, 'tests/e2e/session-key'), gateways: 3,
    env: { MPCLOUD_CLOCK_FILE: clockFile } });
});
after(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function post(url, body, token) {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', connection: 'close',
      ...(token && { authorization: `Bearer ${token}` }) } });
  return { status: answer.status, body: await answer.json() };
}
async function sandbox(path, body) {
  const { status, body: answer } = await post(stack.sandbox + path, body);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer;
}

// wx.login, and its code to the daemon.
async function login(openid) {
  const given = await sandbox('/sandbox/code', openid ? { openid } : {});
  const { status, body } = await post(`${stack.url}/v1/login`, { code: given.code });
  assert.equal(status, 200, JSON.stringify(body));
  return { openid: given.openid, token: body.accessToken };
}
// What a page of this user gets from WeChat now.
const encrypted = (user, data, more = {}) =>
  sandbox('/sandbox/userdata', { openid: user.openid, data, ...more });
const give = (user, detail) => post(`${stack.url}/v1/wechat/open-data`, detail, user.token);
const echo = async (user, event) => {
  const { status, body } = await callFunction(stack, 'echo', event, user.token, { connection: 'close' });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const own = async (user, ask, detail) =>
  (await callFunction(stack, 'own', { ask, detail }, user.token)).body;

// The same order every time for the same seed.
function shuffled(list, seed) {
  const out = [...list];
  let x = seed * 2654435761 + 1;
  for (let i = out.length - 1; i > 0; i--) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    const j = x % (i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

// One user: data of each of his keys, sent beside the login that displaces it, and
// all of it again at the end; how many opened.
async function race(round) {
  const user = await login();
  const waiting = [];
  let opened = 0;
  for (let n = 0; n < LOGINS; n++) {
    waiting.push({ n, detail: await encrypted(user, { n }) });
    const sent = shuffled(waiting, round * LOGINS + n).slice(0, 3);
    const [, ...answers] = await Promise.all([login(user.openid),
      ...sent.map(({ detail }) => echo(user, { d: { $openData: detail } }))]);
    answers.forEach(({ d }, i) => {
      assert.deepEqual([d.data?.n, d.errMsg], [sent[i].n, undefined], JSON.stringify(d));
      opened++;
    });
  }
  for (const { n, detail } of shuffled(waiting, round)) {
    const { status, body } = await give(user, detail);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal((await echo(user, { d: { $cloudID: body.cloudID } })).d.data.n, n);
    opened++;
  }
  return opened;
}

test(`data from before a login opens after it, in every order (${ROUNDS * LOGINS} displaced keys)`, async () => {
  let opened = 0;
  for (let round = 0; round < ROUNDS; round += USERS)
    for (const n of await Promise.all(Array.from({ length: Math.min(USERS, ROUNDS - round) }, (_, i) => race(round + i))))
      opened += n;
  assert.equal(opened, ROUNDS * (1 + 2 + 3 * (LOGINS - 2) + LOGINS));
});

test('logins of one user at once lose no key', async () => {
  const user = await login();
  const details = [];
  for (let n = 0; n < 5; n++) {
    const codes = await Promise.all([0, 1, 2].map(() => sandbox('/sandbox/code', { openid: user.openid })));
    const answers = await Promise.all(codes.map(({ code }) => post(`${stack.url}/v1/login`, { code })));
    assert.deepEqual(answers.map((a) => a.status), [200, 200, 200]);
    for (const key of ['now', 'previous']) details.push(await encrypted(user, { n, key }, { key }));
  }
  for (const detail of details.slice(-8)) assert.equal((await give(user, detail)).status, 200);
});

test('ten minutes after it was displaced a key opens nothing, and the answer says what to do', async () => {
  const user = await login();
  const first = await encrypted(user, { n: 1 });
  moveClock(120);
  await login(user.openid);
  const second = await encrypted(user, { n: 2 });
  assert.equal((await give(user, first)).status, 200);
  moveClock(120 + 590);
  assert.equal((await give(user, first)).status, 200);
  moveClock(120 + 620);
  const late = await give(user, first);
  assert.equal(late.status, 401);
  assert.equal(late.body.code, 'SESSION_KEY_EXPIRED');
  assert.match(late.body.message, /wx\.login first and ask for the data after it/);
  assert.equal((await give(user, second)).status, 200);
  const { d } = await echo(user, { d: { $openData: first } });
  assert.deepEqual([d.code, d.errCode, 'data' in d], ['SESSION_KEY_EXPIRED', -601006, false]);
  moveClock(0);
});

test('each thing that can be wrong has its own answer', async () => {
  const user = await login();
  const good = await encrypted(user, { n: 1 });
  const wrong = async (detail) => (await give(user, detail)).body.code;
  assert.equal((await give(user, { ...good, signature: undefined, rawData: undefined })).status, 200);
  assert.equal(await wrong({ ...good, rawData: `${good.rawData} ` }), 'OPEN_DATA_SIGNATURE');
  assert.equal(await wrong({ ...good, iv: 'AAAA' }), 'OPEN_DATA_FORMAT');
  assert.equal(await wrong({ encryptedData: good.encryptedData }), 'OPEN_DATA_FORMAT');
  assert.equal(await wrong({ ...good, encryptedData: good.encryptedData.slice(4) }), 'OPEN_DATA_FORMAT');
  assert.equal(await wrong({}), 'OPEN_DATA_FORMAT');
  assert.equal(await wrong({ encryptedData: 7, iv: good.iv }), 'INVALID_PARAM');
  assert.equal(await wrong(await encrypted(user, {}, { watermark: { appid: 'wxother' } })), 'OPEN_DATA_APPID');
  assert.equal(await wrong(await encrypted(user, {}, { watermark: { timestamp: 1600000000 } })), 'OPEN_DATA_OLD');
  const other = await login();
  assert.equal(await wrong(await encrypted(other, { n: 1 })), 'SESSION_KEY_EXPIRED');
  // Somebody who came without WeChat.
  const made = stack.token('oNobody');
  assert.equal((await give({ token: made }, good)).body.code, 'SESSION_KEY_MISSING');
  assert.equal((await give({}, good)).status, 401);
});

test('a cloudID is for its user and for five minutes, and tells nothing', async () => {
  const user = await login();
  const { body } = await give(user, await encrypted(user, { phoneNumber: '13800000000' }));
  assert.equal(body.expiresIn, 300);
  assert.ok(!Buffer.from(body.cloudID.slice(4), 'base64url').includes('138'));
  const event = { d: { $cloudID: body.cloudID }, deep: { d: { $cloudID: body.cloudID } },
    list: [{ $cloudID: body.cloudID }], also: { $cloudID: body.cloudID, more: 1 } };
  const got = await echo(user, event);
  assert.equal(got.d.data.phoneNumber, '13800000000');
  assert.equal(got.d.cloudID, body.cloudID);
  delete got.userInfo; // the server's own
  assert.deepEqual({ ...got, d: 0 }, { ...event, d: 0 }, 'only members of the event itself are replaced');
  const other = await login();
  assert.equal((await echo(other, event)).d.errCode, -601007);
  assert.equal((await echo(user, { d: { $cloudID: `${body.cloudID.slice(0, -4)}AAAA` } })).d.errCode, -601005);
  assert.match((await echo(user, { d: { $cloudID: '47_Xa1pOcRlBPxQZ5pTLz' } })).d.errMsg, /\S/);
  moveClock(301);
  assert.equal((await echo(user, event)).d.errCode, -601006);
  moveClock(0);
  const six = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [n, { $cloudID: 'x' }]));
  assert.equal((await callFunction(stack, 'echo', six, user.token)).status, 400);
  const later = await fetch(`${stack.url}/v1/functions/echo?async=true`, { method: 'POST',
    headers: { authorization: `Bearer ${user.token}` }, body: JSON.stringify(event) });
  assert.equal(later.status, 400, 'no personal data waits in the queue');
});

test('WeChat\'s own cloudIDs are exchanged by WeChat', async () => {
  const user = await login(), other = await login();
  const { cloudID } = await sandbox('/sandbox/cloudid', { openid: user.openid, data: { n: 7 } });
  const detail = await encrypted(user, { n: 8 });
  const event = { a: { $cloudID: cloudID }, b: { $openData: detail }, c: { $cloudID: '47_Xa1pOcRlBPxQZ5pTLz' } };
  const got = await echo(user, event);
  assert.deepEqual(got.a, { cloudID, data: { n: 7 } });
  assert.equal(got.b.data.n, 8);
  assert.equal(got.c.errCode, -601005);
  assert.equal((await echo(other, { a: event.a })).a.errCode, -601005);
  // WeChat says no: the function is called all the same, and is told.
  await sandbox('/sandbox/answer', { path: '/wxa/getopendata', errcode: 40003, errmsg: 'openid无效', count: 1 });
  const refused = (await echo(user, event)).a;
  assert.match(refused.errMsg, /40003/);
  assert.deepEqual((await echo(user, event)).a, { cloudID, data: { n: 7 } });
});

test('a page writes it as with wx.cloud', async () => {
  const wx = {
    request: ({ url, method, data, header, success, fail }) => fetch(url, { method, body: data, headers: header })
      .then(async (r) => success({ statusCode: r.status, data: await r.text(), header: Object.fromEntries(r.headers) }))
      .catch(fail),
    login: ({ success }) => sandbox('/sandbox/code', {}).then((given) => {
      wx.openid = given.openid;
      success(given);
    }),
  };
  const cloud = new Cloud({ url: stack.url, wx });
  await cloud.login();
  const detail = await encrypted(wx, { phoneNumber: '13900000000' });
  const { cloudID } = await cloud.getOpenData({ from: async () => detail });
  const { result } = await cloud.callFunction({ name: 'echo', data: { plain: 1,
    a: cloud.CloudID(cloudID), b: cloud.OpenData(detail), c: new cloud.CloudID(cloudID) } });
  assert.equal(result.a.data.phoneNumber, '13900000000');
  assert.equal(result.b.data.phoneNumber, '13900000000');
  assert.equal(result.c.data.phoneNumber, '13900000000');
  assert.equal(result.plain, 1);
  assert.throws(() => cloud.OpenData({ errMsg: 'getPhoneNumber:fail' }), /encryptedData/);
  await assert.rejects(cloud.getOpenData({ from: () => ({ ...detail, iv: 'AAAA' }) }),
    (err) => err.code === 'OPEN_DATA_FORMAT');
});

test('a function opens data itself, and checks who wrote it', async () => {
  const user = await login();
  const detail = await encrypted(user, { nickName: '测试' });
  const { answer } = await own(user, 'openData', detail);
  assert.equal(answer.nickName, '测试');
  assert.deepEqual(await own(user, 'checkUserData', detail), { answer: true });
  assert.deepEqual(await own(user, 'checkUserData', { ...detail, rawData: '{}' }), { answer: false });
  assert.equal((await own(user, 'checkUserData', {})).code, 'INVALID_PARAM');
  assert.equal((await own(user, 'openData', { ...detail, iv: 'x' })).code, 'OPEN_DATA_FORMAT');
  // Pages may not ask for the data itself.
  const page = await post(`${stack.url}/web`, { action: 'mpc.openData', data: detail, access_token: user.token });
  assert.equal(page.body.code, 'PERMISSION_DENIED', JSON.stringify(page.body));
});

// rawData and signature alone: right, and nothing to open.
test('what a function may send for open data, and is none, hurts nobody', async () => {
  const user = await login();
  const { rawData, signature } = await encrypted(user, { n: 6 });
  assert.deepEqual(await own(user, 'openData', { rawData, signature }), { answer: {} });
  // A lone surrogate, of which the SDK makes bytes that are no UTF-8.
  const { status, body } = await callFunction(stack, 'sdk', { codes: [[0xd800], [0x78, 0xdfff]] }, user.token);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body.list.map(({ errCode }) => errCode), [-601005, -601005]);
  assert.equal((await own(user, 'openData', await encrypted(user, { n: 7 }))).answer.n, 7);
});

// An event is built to replace what is in it, and waits so for WeChat's answer.
test('events that wait for WeChat count as memory that is held', async () => {
  const small = await startStack({ project: join(source, 'tests/e2e/session-key'), gateways: 1,
    set: { 'limits.memory': '64m' } });
  try {
    const user = await small.login();
    await post(`${small.sandbox}/sandbox/fault`, { path: '/wxa/getopendata', kind: 'delay', delay: 3000, count: 100 });
    const event = JSON.stringify({ ask: 'none', a: { $cloudID: '47_x' }, b: new Array(150000).fill(0) });
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(`${small.url}/v1/functions/own`,
      { method: 'POST', body: event, headers: { authorization: `Bearer ${user.accessToken}` } })));
    const count = (status) => answers.filter((a) => a.status === status).length;
    // 18 MiB each: three fit beside the others' bodies
    assert.ok(count(200) >= 2 && count(200) <= 3, `${count(200)} of 8`);
    assert.equal(count(503), 8 - count(200));
    // nothing stays held
    await post(`${small.sandbox}/sandbox/fault`, { path: '/wxa/getopendata', kind: 'none' });
    const again = await fetch(`${small.url}/v1/functions/own`,
      { method: 'POST', body: event, headers: { authorization: `Bearer ${user.accessToken}` } });
    assert.equal(again.status, 200);
  } finally {
    await small.stop();
  }
});

test('getOpenData of an unmodified wx-server-sdk exchanges cloudIDs', async () => {
  const user = await login();
  const { body } = await give(user, await encrypted(user, { n: 5 }));
  const { status, body: answer } = await callFunction(stack, 'sdk', { ids: [body.cloudID, 'x'] }, user.token);
  assert.equal(status, 200, JSON.stringify(answer));
  assert.equal(answer.list.length, 2);
  assert.equal(answer.list[0].data.n, 5);
  assert.equal(answer.list[1].errCode, -601005);
});

test('WeChat is asked whether the session_key is his, and gives another', async () => {
  const user = await login();
  assert.deepEqual(await own(user, 'checkSession'), { answer: true });
  const before_ = await encrypted(user, { n: 1 });
  assert.deepEqual(await own(user, 'resetSessionKey'), { answer: true });
  assert.deepEqual(await own(user, 'checkSession'), { answer: true });
  assert.equal((await give(user, await encrypted(user, { n: 2 }))).status, 200);
  assert.equal((await give(user, before_)).status, 200, 'data from before the reset opens too');
  // A wx.login whose code went elsewhere.
  await sandbox('/sandbox/session', { openid: user.openid, action: 'rotate' });
  assert.deepEqual(await own(user, 'checkSession'), { answer: false });
  const refused = await own(user, 'resetSessionKey');
  assert.equal(refused.code, 'SESSION_KEY_STALE');
  assert.match(refused.message, /call wx\.login/);
  assert.equal(stack.cliJson('users', 'session', user.openid).valid, false);
  await login(user.openid);
  assert.equal(stack.cliJson('users', 'session', user.openid).valid, true);
});
