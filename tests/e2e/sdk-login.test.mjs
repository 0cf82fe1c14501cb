// Users of web pages: custom login by tickets of the unmodified server SDKs, names
// and passwords, through each generation of js-sdk and plainly over HTTP.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { callFunction, join, lacksPackages, source, startStack } from '../lib/stack.mjs';
import { openWeb } from './sdk/web.mjs';

// js-sdk writes long advice about Tencent's console; the runner reads our output.
for (const word of ['log', 'info', 'warn', 'error']) console[word] = () => {};

const OLD = 'cloudbase-js-sdk-1.8.4';
const SDKS = { [OLD]: undefined, 'cloudbase-js-sdk-2.32.0': undefined, 'cloudbase-js-sdk-3.7.0': 'GATEWAY' };
const SERVER_SDKS = ['cloudbase-node-sdk-3.18.3', 'tcb-admin-node-1.23.0'];
const folder = (name) => join(source, 'tests/clients', name);
const PASSWORD = 'correct horse';

let stack;
let key; // tcb_custom_login.json
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/login'), gateways: 2,
    set: { 'auth.password': 'yes', 'auth.signup': 'yes', 'auth.password_memory': '64k', 'auth.password_rate': 1000 } });
  const made = stack.cli('keys', 'custom', 'new');
  assert.equal(made.status, 0, made.stderr);
  key = JSON.parse(made.stdout);
});
after(() => stack?.stop());

// createTicket of a package, as it is used on a developer's own server.
function ticketOf(name, uid, options) {
  const load = createRequire(join(folder(name), 'package.json'));
  const sdk = name.startsWith('tcb') ? load('tcb-admin-node') : load('@cloudbase/node-sdk');
  return sdk.init({ env: key.env_id, credentials: key }).auth().createTicket(uid, options);
}
const ticket = (uid, options) => ticketOf(SERVER_SDKS[0], uid, options);

async function ask(method, path, { token, body, headers } = {}) {
  const answer = await fetch(stack.url + path, { method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(token && { authorization: `Bearer ${token}` }),
      ...headers }, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null, headers: answer.headers };
}
const web = async (action, more = {}) => (await ask('POST', '/web?env=test', { body: { action, dataVersion: '2020-01-10',
  env: 'test', ...more } })).body;
const add = (name, password = PASSWORD) => {
  const made = stack.cliWith({ input: `${password}\n` }, 'users', 'add', name, '--json');
  assert.equal(made.status, 0, made.stderr);
  return JSON.parse(made.stdout).uid;
};
// By whatever way this generation has.
const byTicket = (made) => (auth) => (auth.signInWithCustomTicket ? auth.signInWithCustomTicket(async () => made)
  : auth.customAuthProvider().signIn(made));
const byPassword = (name, password = PASSWORD) => (auth) => (auth.signInWithPassword
  ? auth.signInWithPassword({ username: name, password }) : auth.signInWithUsernameAndPassword(name, password));
const tokenOf = async (auth) => (auth.getAccessToken ? (await auth.getAccessToken()).accessToken : null);

test('a ticket of each server SDK logs its user in, over plain HTTP', { skip: SERVER_SDKS.map((n) => lacksPackages(`tests/clients/${n}`)).find(Boolean) }, async () => {
  const uids = [];
  for (const name of SERVER_SDKS) {
    const rest = await ask('POST', '/v1/login', { body: { ticket: ticketOf(name, 'plain-user') } });
    assert.equal(rest.status, 200, JSON.stringify(rest.body));
    uids.push(rest.body.uid);
    const oauth = await ask('POST', '/auth/v1/signin/custom?client_id=test', { body: { provider_id: 'custom',
      ticket: ticketOf(name, 'plain-user') } });
    uids.push(oauth.body.sub);
    uids.push((await web('auth.signInWithTicket', { ticket: ticketOf(name, 'plain-user') })).uuid);
  }
  assert.equal(new Set(uids).size, 1, uids.join());
  const { body: { accessToken } } = await ask('POST', '/v1/login', { body: { ticket: ticket('plain-user') } });
  const me = (await ask('GET', '/auth/v1/user/me', { token: accessToken })).body;
  assert.deepEqual([me.sub, me.name, me.custom_user_id, me.login_type], [uids[0], 'plain-user', 'plain-user', 'custom']);
  const user = (await web('auth.getUserInfo', { access_token: accessToken })).data;
  assert.deepEqual(user, { uid: uids[0], loginType: 'CUSTOM', customUserId: 'plain-user' });
});

test('a function knows a custom user by his own id', async () => {
  const { body: { accessToken, uid } } = await ask('POST', '/v1/login', { body: { ticket: ticket('in-function') } });
  const { body } = await callFunction(stack, 'whoami', {}, accessToken);
  assert.deepEqual([body.uid, body.customId, body.anonymous, body.openid], [uid, 'in-function', 'false', '']);
  const { body: visitor } = await ask('POST', '/auth/v1/signin/anonymously', { body: {} });
  assert.equal((await callFunction(stack, 'whoami', {}, visitor.access_token)).body.anonymous, 'true');
});

test('a security rule knows how somebody came in', async () => {
  add('by-rule');
  const here = '/v1/database/instances/(default)/databases/(default)/collections/members/documents';
  const tokens = { custom: (await ask('POST', '/v1/login', { body: { ticket: ticket('by-rule') } })).body.accessToken,
    password: (await ask('POST', '/v1/login', { body: { username: 'by-rule', password: PASSWORD } })).body.accessToken,
    visitor: (await ask('POST', '/auth/v1/signin/anonymously', { body: {} })).body.access_token,
    wechat: (await stack.login()).accessToken };
  const seen = {};
  for (const [who, token] of Object.entries(tokens))
    seen[who] = [(await ask('POST', here, { token, body: { data: [{ a: 1 }] } })).status, (await ask('GET', here, { token })).status];
  assert.deepEqual(seen, { custom: [200, 403], password: [403, 200], visitor: [403, 403], wechat: [403, 403] });
});

test('what is wrong with a ticket is said', async () => {
  const good = ticket('some-user');
  const rows = [[good.slice(0, -3), 'signature'], [good.replace(key.private_key_id, 'unknown'), 'no such key'],
    ['nonsense', 'createTicket'], [ticket('some-user', { expire: Date.now() - 1000 }), 'expire']];
  for (const [wrong, words] of rows) {
    const rest = await ask('POST', '/v1/login', { body: { ticket: wrong } });
    assert.deepEqual([rest.status, rest.body.code], [401, 'INVALID_TICKET'], JSON.stringify(rest.body));
    assert.ok(rest.body.message.includes(words), rest.body.message);
    const oauth = await ask('POST', '/auth/v1/signin/custom', { body: { provider_id: 'custom', ticket: wrong } });
    assert.deepEqual([oauth.status, oauth.body.error], [401, 'invalid_grant']);
    assert.equal((await web('auth.signInWithTicket', { ticket: wrong })).code, 'INVALID_TICKET');
  }
  assert.equal((await ask('POST', '/auth/v1/signin/custom', { body: { provider_id: 'custom' } })).status, 400);
});

test('tickets of a retired key are refused, and the next key\'s are good', async () => {
  const old = stack.cliJson('keys', 'custom', 'new', 'to-retire');
  const load = createRequire(join(folder(SERVER_SDKS[0]), 'package.json'));
  const make = () => load('@cloudbase/node-sdk').init({ env: old.env_id, credentials: old }).auth().createTicket('retired-one');
  assert.equal((await ask('POST', '/v1/login', { body: { ticket: make() } })).status, 200);
  assert.equal(stack.cli('keys', 'custom', 'retire', 'to-retire').status, 0);
  assert.equal((await ask('POST', '/v1/login', { body: { ticket: make() } })).body.code, 'INVALID_TICKET');
  assert.equal((await ask('POST', '/v1/login', { body: { ticket: ticket('retired-one') } })).status, 200);
});

for (const [name, mode] of Object.entries(SDKS)) {
  const skip = lacksPackages(`tests/clients/${name}`);
  const open = (signIn) => openWeb(folder(name), { url: stack.url, env: 'test', mode, signIn });
  const isOld = name === OLD;

  test(`${name}: a custom user comes back to his documents`, { skip }, async () => {
    const mine = `${name}-custom`.slice(-30);
    const first = await open(byTicket(ticket(mine)));
    const made = await first.db.collection('notes').add({ text: 'mine' });
    assert.ok(made.id ?? made.ids, JSON.stringify(made));
    const again = await open(byTicket(ticket(mine)));
    assert.deepEqual((await again.db.collection('notes').get()).data.map((d) => d.text), ['mine']);
    const state = await again.auth.getLoginState();
    assert.ok(state);
    if (isOld) assert.ok(state.isCustomAuth);
    const info = await again.auth.getUserInfo();
    assert.equal(info.customUserId ?? info.custom_user_id, mine);
  });

  test(`${name}: a name and a password log in, refresh and log out`, { skip }, async () => {
    const mine = `${name}@example.com`;
    const uid = add(mine);
    const { app, auth, db } = await open(byPassword(mine));
    const state = await auth.getLoginState();
    assert.ok(state, 'logged in');
    const info = await auth.getUserInfo();
    assert.deepEqual([info.uid, info.username], [uid, mine]);
    await db.collection('notes').add({ text: name });
    assert.deepEqual((await db.collection('notes').get()).data.map((d) => d.text), [name]);
    assert.equal((await app.callFunction({ name: 'whoami', data: {} })).result.uid, uid);

    const before_ = await tokenOf(auth);
    if (auth.refreshTokenForce) {
      const fresh = await auth.refreshTokenForce();
      assert.notEqual(fresh.access_token, before_);
      assert.equal(fresh.sub, uid);
    }
    const token = await tokenOf(auth);
    assert.equal((await ask('GET', '/v1/session', { token })).body.uid, uid);
    await auth.signOut();
    assert.equal((await ask('GET', '/v1/session', { token })).status, 401);
    assert.ok(!(await auth.getLoginState()));
  });

  test(`${name}: a wrong password is refused`, { skip }, async () => {
    const mine = `${name}-wrong`;
    add(mine);
    let said = '';
    try {
      const { auth } = await open(async (a) => {
        const got = await byPassword(mine, 'wrong horse')(a);
        if (got?.error) throw got.error;
      });
      assert.ok(!(await auth.getLoginState()));
    } catch (error) {
      said = `${error.message ?? ''} ${error.error_description ?? ''} ${error.msg ?? ''}`;
    }
    assert.match(said, /the username or the password is wrong/);
  });

  test(`${name}: what this server does not offer is said`, { skip }, async () => {
    let said = '';
    try {
      await open(async (auth) => {
        const got = isOld ? await auth.signInWithEmailAndPassword('a@example.com', 'x')
          : await auth.getVerification({ phone_number: '+86 13800000000' });
        if (got?.error) throw got.error;
      });
    } catch (error) {
      said = JSON.stringify([error.message, error.error, error.error_description]);
    }
    assert.match(said, /not offered by this server/);
    if (!isOld) assert.match(said, /unimplemented/);
  });
}

for (const name of Object.keys(SDKS).filter((n) => n !== OLD))
  test(`${name}: another password ends the other sessions and keeps this one`, { skip: lacksPackages(`tests/clients/${name}`) }, async () => {
    const mine = `${name}-changes`;
    add(mine);
    const open = () => openWeb(folder(name), { url: stack.url, env: 'test', mode: SDKS[name], signIn: byPassword(mine) });
    const other = (await ask('POST', '/auth/v1/signin', { body: { username: mine, password: PASSWORD } })).body;
    const { auth } = await open();
    if (auth.resetPasswordForOld) {
      const { error } = await auth.resetPasswordForOld({ old_password: PASSWORD, new_password: 'battery staple' });
      assert.equal(error, null);
    } else {
      const { sudo_token: sudo } = await auth.sudo({ password: PASSWORD });
      await auth.setPassword({ sudo_token: sudo, new_password: 'battery staple' });
    }
    assert.ok(await auth.getUserInfo());
    assert.equal((await ask('GET', '/v1/session', { token: other.access_token })).status, 401);
    assert.equal((await ask('POST', '/auth/v1/signin', { body: { username: mine, password: PASSWORD } })).body.error, 'invalid_password');
    assert.equal((await ask('POST', '/auth/v1/signin', { body: { username: mine, password: 'battery staple' } })).status, 200);
  });

for (const name of Object.keys(SDKS).filter((n) => n !== OLD))
  test(`${name}: a device is named by x-device-id, and it or all are logged out`, { skip: lacksPackages(`tests/clients/${name}`) }, async () => {
    const mine = `${name}-devices`;
    add(mine);
    const from = (id) => ask('POST', '/auth/v1/signin', { body: { username: mine, password: PASSWORD }, headers: { 'x-device-id': id } });
    const [lost, kept] = [(await from('device-lost-0001')).body, (await from('device-kept-0001')).body];
    const { auth } = await openWeb(folder(name), { url: stack.url, env: 'test', mode: SDKS[name], signIn: byPassword(mine) });
    const api = auth.oauthInstance.authApi;
    await api.revokeDevice({ device_id: 'device-lost-0001' });
    const state = async (token) => (await ask('GET', '/v1/session', { token })).status;
    assert.deepEqual([await state(lost.access_token), await state(kept.access_token)], [401, 200]);
    const own = await tokenOf(auth);
    const { devices } = (await ask('GET', '/v1/session/devices', { token: own })).body;
    assert.deepEqual(devices.map((d) => [d.kind, d.current]), [['password', true], ['password', false]]);
    await api.revokeAllDevices();
    assert.deepEqual([await state(kept.access_token), await state(own)], [401, 401]);
  });

test('js-sdk 1.x changes a password', { skip: lacksPackages(`tests/clients/${OLD}`) }, async () => {
  add('old-changes');
  const { auth } = await openWeb(folder(OLD), { url: stack.url, env: 'test', signIn: byPassword('old-changes') });
  const user = auth.currentUser ?? (await auth.getLoginState()).user;
  await assert.rejects(user.updatePassword('battery staple', 'wrong horse'));
  await user.updatePassword('battery staple', PASSWORD);
  assert.equal((await web('auth.signIn', { loginType: 'USERNAME', username: 'old-changes', password: PASSWORD })).code,
    'INVALID_USERNAME_OR_PASSWORD');
  assert.ok((await web('auth.signIn', { loginType: 'USERNAME', username: 'old-changes', password: 'battery staple' })).refresh_token);
});

test('a refresh token of js-sdk 1.x stays good, one of the others works once', async () => {
  add('keeps');
  const old = await web('auth.signIn', { loginType: 'USERNAME', username: 'keeps', password: PASSWORD });
  for (let i = 0; i < 2; i++)
    assert.ok((await web('auth.fetchAccessTokenWithRefreshToken', { refresh_token: old.refresh_token })).access_token);
  const rest = (await ask('POST', '/v1/login', { body: { username: 'keeps', password: PASSWORD } })).body;
  assert.equal((await web('auth.fetchAccessTokenWithRefreshToken', { refresh_token: rest.refreshToken })).code, 'INVALID_REFRESH_TOKEN');
  const body = { refreshToken: rest.refreshToken };
  assert.equal((await ask('POST', '/v1/token/refresh', { body })).status, 200);
  assert.equal((await ask('POST', '/v1/token/refresh', { body })).status, 401);
});

test('who signs up gets a user of his own, and a name once', async () => {
  const body = { username: 'New.User', password: PASSWORD };
  const exists = async () => (await ask('GET', '/auth/v1/checkIfUserExist?username=new.user&client_id=test')).body;
  assert.deepEqual(await exists(), { exist: false });
  assert.deepEqual((await web('auth.isUsernameRegistered', { username: 'new.user' })).data, { isRegistered: false });
  const made = await ask('POST', '/auth/v1/signup', { body });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  assert.deepEqual(await exists(), { exist: true });
  assert.deepEqual((await web('auth.isUsernameRegistered', { username: 'new.user' })).data, { isRegistered: true });
  assert.deepEqual([(await ask('POST', '/auth/v1/signup', { body })).body.error, (await ask('POST', '/v1/signup', { body })).body.code],
    ['already_exists', 'CONFLICT']);
  assert.equal((await ask('POST', '/v1/login', { body: { username: 'new.user', password: PASSWORD } })).body.uid, made.body.sub);
  assert.equal((await ask('POST', '/v1/signup', { body: { username: 'short', password: '1234567' } })).body.code, 'INVALID_PARAM');
  assert.equal((await ask('POST', '/auth/v1/signup', { body: { phone_number: '+86 1', verification_code: '1' } })).body.error, 'unimplemented');
});

test('a wrong password and an unknown name are answered alike', async () => {
  add('known');
  const answers = [];
  for (const username of ['known', 'unknown'])
    for (const path of ['/v1/login', '/auth/v1/signin']) {
      const { status, body } = await ask('POST', path, { body: { username, password: 'wrong horse' } });
      answers.push(JSON.stringify([path, status, body.code ?? body.error, body.message ?? body.error_description]));
    }
  assert.deepEqual(answers.slice(0, 2), answers.slice(2));
});

test('a proof of the password is another user\'s of no use', async () => {
  add('sudo-one');
  add('sudo-two');
  const one = (await ask('POST', '/auth/v1/signin', { body: { username: 'sudo-one', password: PASSWORD } })).body.access_token;
  const two = (await ask('POST', '/auth/v1/signin', { body: { username: 'sudo-two', password: PASSWORD } })).body.access_token;
  const wrong = await ask('POST', '/auth/v1/user/sudo', { token: one, body: { password: 'wrong horse' } });
  assert.deepEqual([wrong.status, wrong.body.error], [401, 'invalid_password']);
  const { body: { sudo_token: sudo, expires_in: life } } = await ask('POST', '/auth/v1/user/sudo', { token: one, body: { password: PASSWORD } });
  assert.equal(life, 300);
  const change = (token, proof) => ask('PATCH', '/auth/v1/user/password', { token, body: { sudo_token: proof, new_password: 'battery staple' } });
  assert.equal((await change(two, sudo)).body.error, 'invalid_password');
  assert.equal((await change(one, '')).body.error, 'invalid_password');
  assert.equal((await change(one, sudo)).status, 200);
});

test('a function makes users, a page cannot', async () => {
  const { accessToken } = await stack.login();
  const { status, body } = await callFunction(stack, 'whoami', { createUser: { username: 'by-function', password: PASSWORD } }, accessToken);
  assert.equal(status, 200, JSON.stringify(body));
  const login = await ask('POST', '/v1/login', { body: { username: 'by-function', password: PASSWORD } });
  assert.equal(login.body.uid, body.created.uid);
  assert.equal((await web('mpc.createUser', { username: 'by-page', password: PASSWORD, access_token: accessToken })).code, 'PERMISSION_DENIED');
});

test('the rest of CloudBase\'s login is said to be missing', async () => {
  for (const [method, path] of [['POST', '/auth/v1/verification'], ['POST', '/auth/v1/signin/with/provider'], ['GET', '/auth/v1/user/provider'],
    ['PATCH', '/auth/v1/user/profile'], ['DELETE', '/auth/v1/user/me'], ['POST', '/auth/v2/signin/publickey']]) {
    const { status, body } = await ask(method, path, { body: method === 'GET' ? undefined : {} });
    assert.deepEqual([status, body.error], [501, 'unimplemented'], path);
    assert.ok(body.error_description.includes(`not offered by this server: ${method} ${path}`), body.error_description);
  }
  assert.equal((await web('auth.sendPhoneCode', {})).code, 'UNIMPLEMENTED');
});

test('passwords and sign-up are off unless they are turned on', async () => {
  const closed = await startStack({ project: join(source, 'tests/e2e/login'), gateways: 1 });
  try {
    for (const path of ['/v1/login', '/v1/signup', '/auth/v1/signin', '/auth/v1/signup']) {
      const answer = await fetch(closed.url + path, { method: 'POST', body: JSON.stringify({ username: 'a', password: PASSWORD }) });
      assert.equal(answer.status, 403, path);
    }
    assert.equal((await fetch(`${closed.url}/auth/v1/checkIfUserExist?username=a`)).status, 403);
  } finally {
    await closed.stop();
  }
});

test('no more passwords are tried than the setting allows', async () => {
  const slow = await startStack({ project: join(source, 'tests/e2e/login'), gateways: 2,
    set: { 'auth.password': 'yes', 'auth.password_memory': '64k', 'auth.password_rate': 3 } });
  try {
    const tried = async (username) => fetch(`${slow.url}/v1/login`, { method: 'POST',
      body: JSON.stringify({ username, password: 'wrong horse' }) });
    const seen = [];
    for (let i = 0; i < 4; i++) seen.push((await tried(i % 2 ? 'ANNA' : 'anna')).status);
    assert.deepEqual(seen, [401, 401, 401, 429]);
    assert.ok(Number((await tried('anna')).headers.get('retry-after')) > 0);
    // other names, until the address has had five times as many
    const others = [];
    for (let i = 0; i < 14; i++) others.push((await tried(`user-${i}`)).status);
    assert.deepEqual([others.filter((s) => s === 401).length + 5, others.at(-1)], [15, 429]);
  } finally {
    await slow.stop();
  }
});
