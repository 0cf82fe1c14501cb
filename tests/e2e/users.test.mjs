// `mpcloud users`: listed, found by any of their names, their sessions ended, one
// and all, blocked, deleted; at once in every gateway, and soon on another machine.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, source, startStack, until } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/session-key');
let stack, second;

before(async () => {
  stack = await startStack({ project, gateways: 3 });
  const conf = readFileSync(stack.config, 'utf8');
  const url = /^url = (.*)$/m.exec(conf)[1];
  // Another machine: its own daemon, the same database and keys.
  const files = ['key_file', 'master_key_file'].map((name) =>
    [`token.${name}`, new RegExp(`^${name} = (.*)$`, 'm').exec(conf)[1]]);
  second = await startStack({ project, gateways: 1, set: { 'database.url': url, ...Object.fromEntries(files) } });
});
after(async () => {
  await second?.stop();
  await stack?.stop();
});

async function post(url, body, token) {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', connection: 'close',
      ...(token && { authorization: `Bearer ${token}` }) } });
  return { status: answer.status, body: await answer.json() };
}

async function login(openid, unionid) {
  const given = (await post(`${stack.sandbox}/sandbox/code`, { ...(openid && { openid }),
    ...(unionid && { unionid }) })).body;
  const { status, body } = await post(`${stack.url}/v1/login`, { code: given.code });
  assert.equal(status, 200, JSON.stringify(body));
  return { ...body, openid: given.openid };
}

// Each connection may reach another gateway, so ask often.
async function answers(user, where = stack, times = 24) {
  const all = await Promise.all(Array.from({ length: times }, () => fetch(`${where.url}/v1/session`,
    { headers: { authorization: `Bearer ${user.accessToken}`, connection: 'close' } })));
  return [...new Set(all.map((a) => a.status))];
}

const run = (...words) => {
  const r = stack.cli('users', ...words);
  return { ...r, text: r.stdout + r.stderr };
};

test('users are listed, the newest first, in pages', async () => {
  const made = [];
  for (let i = 0; i < 5; i++) made.unshift((await login()).uid);
  const first = stack.cliJson('users', 'list', '--limit', '2');
  assert.deepEqual(first.users.map((u) => u.uid), made.slice(0, 2));
  assert.equal(first.more, true);
  const shown = run('list', '--limit', '2');
  assert.equal(shown.status, 0, shown.text);
  assert.match(shown.stdout, /^UID +KIND +NAME +APPID +CREATED +LAST LOGIN +DEVICES +STATE$/m);
  const [, cursor] = /There are more: --after (\S+)/.exec(shown.stdout);
  const next = stack.cliJson('users', 'list', '--limit', '2', '--after', cursor);
  assert.deepEqual(next.users.map((u) => u.uid), made.slice(2, 4));
  const [u] = first.users;
  assert.equal(u.kind, 'wechat');
  assert.equal(u.devices, 1);
  assert.equal(run('list', '--limit', '0').status, 2);
  assert.match(run('list', '--after', 'x').text, /createdAt:uid/);
});

test('a user is found by each of his names', async () => {
  const user = await login(undefined, 'uUnionOne');
  for (const name of [user.uid, user.openid, 'uUnionOne'])
    assert.equal(stack.cliJson('users', 'show', name).uid, user.uid, name);
  const text = run('show', user.openid).stdout;
  for (const word of [user.uid, user.openid, 'uUnionOne', 'session_key', 'SESSION'])
    assert.ok(text.includes(word), `${word} in ${text}`);
  const nobody = run('show', 'nobody');
  assert.equal(nobody.status, 1);
  assert.match(nobody.text, /no user is called "nobody" \(a uid, username, custom id, openid or unionid\)/);
  assert.deepEqual(stack.cliJson('users', 'list', "x' OR '1'='1").users, []);
});

test('a uid is its owner\'s, whoever takes it for a name', async () => {
  const user = await login();
  const add = stack.cliWith({ input: 'a long password\n' }, 'users', 'add', user.uid, '--json');
  assert.equal(add.status, 0, add.stderr);
  const made = JSON.parse(add.stdout);
  assert.equal(stack.cliJson('users', 'show', user.uid).uid, user.uid);
  assert.match(run('block', user.uid).stdout, /is blocked; 1 session ended/);
  assert.deepEqual(await answers(user), [401]);
  assert.equal(stack.cliJson('users', 'show', made.uid).uid, made.uid);
});

test('one session is ended, the others go on, in every gateway and on the other machine', async () => {
  const phone = await login();
  const tablet = await login(phone.openid);
  const sessions = stack.cliJson('users', 'devices', phone.uid);
  assert.equal(sessions.length, 2);
  assert.deepEqual(await answers(phone, second), [200]);
  const ended = run('revoke', phone.uid);
  assert.equal(ended.status, 2);
  assert.match(ended.text, /which one: .*users devices/);
  // The older one is the phone's.
  const [older] = [...sessions].sort((a, b) => a.createdAt - b.createdAt);
  assert.match(run('revoke', phone.uid, older.id).stdout, /^1 session of \w+ ended\.$/m);
  assert.deepEqual(await answers(phone), [401]);
  assert.deepEqual(await answers(tablet), [200]);
  await until(async () => (await answers(phone, second, 2))[0] === 401, 'the other machine hears of it');
  assert.deepEqual(await answers(tablet, second), [200]);
  assert.equal((await post(`${stack.url}/v1/token/refresh`, { refreshToken: phone.refreshToken })).status, 401);
  assert.equal(run('revoke', phone.uid, older.id).status, 1);
  assert.match(run('revoke', phone.uid, 'zz').text, /16 hex digits/);
  const third = await login(phone.openid);
  assert.match(run('revoke', phone.openid, '--all').stdout, /^2 sessions of \w+ ended\.$/m);
  for (const one of [tablet, third]) assert.deepEqual(await answers(one), [401]);
  assert.match(run('devices', phone.uid).stdout, /logged in on no device/);
});

test('a blocked user is out at once and stays out until he is let in', async () => {
  const user = await login();
  assert.match(run('block', user.openid).stdout, /is blocked; 1 session ended/);
  assert.deepEqual(await answers(user), [401]);
  const again = async () => {
    const { code } = (await post(`${stack.sandbox}/sandbox/code`, { openid: user.openid })).body;
    return post(`${stack.url}/v1/login`, { code });
  };
  assert.equal((await again()).status, 403);
  assert.equal((await post(`${stack.url}/v1/token/refresh`, { refreshToken: user.refreshToken })).status, 403);
  assert.match(run('show', user.uid).stdout, /^blocked +20/m);
  assert.match(run('block', user.uid).stdout, /was blocked already/);
  assert.match(run('unblock', user.uid).stdout, /may log in again/);
  assert.match(run('unblock', user.uid).stdout, /was not blocked/);
  assert.equal((await again()).status, 200);
});

test('a user with a password is made, changed and never told on a command line', async () => {
  const add = (name, password, word = 'add') => stack.cliWith({ input: password }, 'users', word, name);
  const made = add('Ada', 'correct horse\n');
  assert.equal(made.status, 0, made.stderr);
  const uid = made.stdout.trim();
  assert.equal(stack.cliJson('users', 'show', 'ada').uid, uid);
  assert.equal(stack.cliJson('users', 'show', uid).kind, 'password');
  assert.notEqual(add('ada', 'another one\n').status, 0);
  assert.match(add('bob', 'short\n').stderr, /8/);
  const changed = add('ada', 'another one\n', 'passwd');
  assert.equal(changed.status, 0, changed.stderr);
  assert.match(changed.stdout, /ada has a new password; his sessions ended/);
  assert.doesNotMatch(stack.daemonLog(), /correct horse|another one/);
});

test('a deleted user has no name any more, and is a new one when he comes again', async () => {
  const user = await login();
  assert.equal(run('delete', user.uid).status, 2);
  assert.match(run('delete', user.uid, '--yes').stdout, /is deleted/);
  assert.deepEqual(await answers(user), [401]);
  await until(async () => (await answers(user, second, 2))[0] === 401, 'the other machine hears of it');
  assert.equal(run('show', user.openid).status, 1);
  const again = await login(user.openid);
  assert.notEqual(again.uid, user.uid);
  assert.equal(stack.cliJson('users', 'show', user.openid).uid, again.uid);
});
