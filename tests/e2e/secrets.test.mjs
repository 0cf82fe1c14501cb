// Secrets stay where they belong.  One run of everything that touches them: logins of
// every kind, refreshes, the platform's API, open data, orders, callbacks, refunds,
// pushes, functions that print all they can find, and errors; logged at level
// debug.  Then each secret is looked for, in several spellings, in every log,
// every answer with its headers, every environment of a process and a dump of the
// database.  A proxy between the daemon and the sandbox learns the secrets that
// WeChat gives.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createDecipheriv, createPrivateKey, createSign, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { Db, control, startPay, untilState } from '../lib/pay.mjs';
import { descendants, join, lacksPackages, source, until } from '../lib/stack.mjs';

const skip = lacksPackages('tests/clients/wx-server-sdk-4.0.2');
const PASSWORDS = ['correct horse battery', 'staple of another kind'];

let stack, db, proxy;
const secrets = new Map(); // text → what it is
const openids = new Set();
const sessionKeys = new Map(); // openid → the session_keys that WeChat gave
const answers = []; // {what, text}, each answer of the daemon with its headers
const refreshTokens = new Set();
const accessTokens = new Set();

const know = (what, text) => text && secrets.set(String(text), what);

/* ---- between the daemon and WeChat ---- */

function startProxy() {
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (d) => parts.push(d));
    request.on('end', async () => {
      try {
        const answer = await fetch(stack.sandbox + request.url, { method: request.method,
          headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
          ...(request.method !== 'GET' && { body: Buffer.concat(parts) }) });
        const body = Buffer.from(await answer.arrayBuffer());
        try {
          const json = JSON.parse(body);
          know('session_key', json.session_key);
          know('access_token of WeChat', json.access_token);
          if (json.session_key) sessionKeys.set(json.openid, [...(sessionKeys.get(json.openid) ?? []), json.session_key]);
        } catch { /* media */ }
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
        response.end(body);
      } catch {
        response.destroy(); // a fault that the sandbox was asked for
      }
    });
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

/* ---- the daemon, each answer kept ---- */

async function ask(method, path, { token, body, type = 'application/json', byFunction = false } = {}) {
  const answer = await fetch(stack.url + path, { method, headers: { ...(body !== undefined && { 'content-type': type }),
    ...(token && { authorization: `Bearer ${token}` }) },
  body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body) });
  const text = await answer.text();
  answers.push({ what: `${method} ${path}`, byFunction, text: `${[...answer.headers].join('\n')}\n${text}` });
  let json = null;
  try { json = JSON.parse(text); } catch { /* the text says it */ }
  return { status: answer.status, body: json };
}
const post = (path, body, token) => ask('POST', path, { body, token });
const call = async (name, event, token) => (await ask('POST', `/v1/functions/${name}`, { body: event, token, byFunction: true }));

function remember({ body }) {
  for (const name of ['refreshToken', 'refresh_token']) if (body?.[name]) refreshTokens.add(body[name]);
  for (const name of ['accessToken', 'access_token']) if (body?.[name]) accessTokens.add(body[name]);
  return body;
}
async function login(more = {}) {
  const given = await control(stack, 'code', more);
  openids.add(given.openid);
  const body = remember(await post('/v1/login', { code: given.code }));
  return { ...body, openid: given.openid, code: given.code };
}

/* ---- files of secrets ---- */

const secretFiles = new Set();
const settingFile = (name) => readFileSync(new RegExp(`^${name} = (\\S+)$`, 'm').exec(readFileSync(stack.config, 'utf8'))[1], 'utf8').trim();
function learnFiles() {
  for (const [, name, path] of readFileSync(stack.config, 'utf8').matchAll(/^(\w+_file) = (\S+)$/mg)) {
    secretFiles.add(realpathSync(path));
    if (/public|certificate/.test(name)) continue;
    const text = readFileSync(path, 'utf8').trim();
    if (!text.includes('PRIVATE KEY')) {
      // Not the ids of token keys, which stand beside them and are public.
      for (const word of text.split(/\s+/).filter((w) => w.length > 20)) know(name, word);
      continue;
    }
    learnPem(name, text);
  }
}

function learnPem(name, pem) {
  const lines = pem.split('\n').filter((l) => l && !l.startsWith('-----'));
  for (const line of lines.slice(0, -1)) know(`${name}, a line`, line);
  const { d, p } = createPrivateKey(pem).export({ format: 'jwk' });
  know(`${name}, d`, d);
  know(`${name}, p`, p);
}

before(async () => {
  if (skip) return;
  proxy = await startProxy();
  stack = await startPay({ project: join(source, 'tests/e2e/secrets'), gateways: 2, set: { 'log.level': 'debug',
    'wechat.api_base': `http://127.0.0.1:${proxy.address().port}`, 'auth.anonymous': 'yes', 'auth.password': 'yes',
    'auth.signup': 'yes', 'auth.password_memory': '64k' } });
  db = new Db(stack);
  const rotated = stack.cli('keys', 'rotate', '--algorithm', 'ES256');
  assert.equal(rotated.status, 0, rotated.stderr);
  learnFiles();
  for (const password of PASSWORDS) know('password', password);
});
after(async () => {
  await db?.end();
  await stack?.stop();
  proxy?.close();
});

/* ---- the run ---- */

test('everything that touches a secret is done once, and goes wrong once', { skip }, async (t) => {
  const user = await login({ unionid: 'uSecretUnion' });
  assert.ok(user.accessToken, JSON.stringify(user));
  const other = await login();

  await t.test('logins of every kind, good and bad', async () => {
    await post('/v1/login', { code: user.code }); // used
    await post('/v1/login', { code: 'nonsense' });
    await post('/v1/login', 'not json');
    await control(stack, 'fault', { path: '/sns/jscode2session', kind: 'drop', count: 2 });
    await login();
    await control(stack, 'fault', { path: '/sns/jscode2session', kind: 'none' });
    const fresh = await login();
    const next = remember(await post('/v1/token/refresh', { refreshToken: fresh.refreshToken }));
    assert.ok(next.accessToken);
    assert.equal((await post('/v1/token/refresh', { refreshToken: fresh.refreshToken })).status, 401);
    await post('/v1/token/refresh', { refreshToken: `${next.refreshToken}x` });
    await ask('GET', '/v1/session', { token: `${user.accessToken}x` });
    assert.equal((await ask('GET', '/v1/session', { token: user.accessToken })).status, 200);
    remember(await post('/auth/v1/signin/anonymously', {}));

    const pair = JSON.parse(stack.cli('keys', 'custom', 'new', 'secrets-1').stdout);
    learnPem('custom login key', pair.private_key);
    const part = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
    const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ alg: 'RS256', env: pair.env_id, iat: Date.now(),
      exp: Date.now() + 600000, uid: 'shop-42', refresh: 3600000, expire: Date.now() + 7 * 86400000 })}`;
    const ticket = `secrets-1/@@/${text}.${createSign('sha256').update(text).sign(pair.private_key, 'base64url')}`;
    know('ticket', ticket);
    const custom = await post('/v1/login', { ticket });
    assert.equal(custom.status, 200, JSON.stringify(custom.body));
    remember(custom);
    await post('/v1/login', { ticket: `${ticket.slice(0, -8)}AAAAAAAA` });

    const add = stack.cliWith({ input: `${PASSWORDS[0]}\n` }, 'users', 'add', 'ada');
    assert.equal(add.status, 0, add.stderr);
    const good = await post('/v1/login', { username: 'ada', password: PASSWORDS[0] });
    assert.equal(good.status, 200, JSON.stringify(good.body));
    remember(good);
    assert.equal((await post('/v1/login', { username: 'ada', password: PASSWORDS[1] })).status, 401);
    stack.cliWith({ input: `${PASSWORDS[1]}\n` }, 'users', 'passwd', 'ada');
  });

  await t.test('functions that print and throw all they find', async () => {
    for (const event of [{ print: true, only: [] }, { print: true, fail: true }])
      await call('spill', event, user.accessToken);
    assert.equal((await call('scripted', {}, user.accessToken)).status, 200);
  });

  await t.test('the platform, with tokens that expire and are refused', async () => {
    const check = (token) => call('wx', { api: 'logistics.addOrder', data: { orderId: '1' } }, token);
    assert.equal((await check(user.accessToken)).body.errCode, 0);
    await control(stack, 'token', { action: 'invalidate' });
    assert.equal((await check(user.accessToken)).body.errCode, 0);
    await control(stack, 'token', { action: 'expire' });
    await check(user.accessToken);
    await call('wx', { api: 'wxacode.getUnlimited', data: { scene: '' } }, user.accessToken);
    await call('wx', { api: 'subscribeMessage.send', data: {} }, user.accessToken); // not in config.json
    await control(stack, 'fault', { path: '/cgi-bin/express/business/order/add', kind: 'drop' });
    await check(user.accessToken);
    assert.ok([...secrets.values()].includes('access_token of WeChat'), 'the proxy saw one');
  });

  await t.test('open data', async () => {
    const detail = await control(stack, 'userdata', { openid: user.openid, data: { phoneNumber: '13800000000' } });
    const { status, body } = await post('/v1/wechat/open-data', detail, user.accessToken);
    assert.equal(status, 200, JSON.stringify(body));
    await post('/v1/wechat/open-data', detail, other.accessToken);
    await post('/v1/wechat/open-data', { ...detail, iv: 'x' }, user.accessToken);
    await call('spill', { only: ['open', 'check', 'session', 'reset'], detail }, user.accessToken);
    await call('heard', { a: { $cloudID: body.cloudID } }, user.accessToken);
    await call('spill', { only: ['open'], detail: {} }, user.accessToken);
  });

  await t.test('orders, callbacks, refunds', async () => {
    const no = 'secrets-0001';
    const { body } = await call('spill', { only: ['order', 'again', 'query', 'get'], no }, user.accessToken);
    assert.ok(body.tries.order.payment, JSON.stringify(body.tries));
    await control(stack, 'pay', { out_trade_no: no });
    await untilState(db, no, 'SUCCESS');
    const back = await call('spill', { only: ['refund', 'tooMuch', 'query'], no }, user.accessToken);
    assert.ok(back.body.tries.refund.outRefundNo, JSON.stringify(back.body.tries));
    await ask('GET', `/v1/pay/orders/${no}`, { token: user.accessToken });
    await ask('GET', `/v1/pay/orders/${no}`, { token: other.accessToken });
    await post('/v1/pay/notify', { id: 'forged', resource: {} });
    await post('/v1/pay/orders', { total: 1, description: 'mine' }, user.accessToken);
    for (const kind of ['bad_signature', 'wrong_serial', 'stale_timestamp', 'signtest', 'drop']) {
      await control(stack, 'fault', { path: '/v3/pay/transactions/jsapi', kind });
      await call('spill', { only: ['order'], no: `secrets-${kind}` }, user.accessToken);
    }
  });

  await t.test('pushes', async () => {
    const url = `${stack.url}/v1/wechat/push`;
    const push = { url, token: settingFile('push_token_file'), aesKey: settingFile('push_key_file'), mode: 'safe',
      msg: { MsgType: 'text', Content: 'hello', FromUserName: user.openid, MsgId: 1 } };
    assert.equal((await control(stack, 'push', push)).accepted, true);
    await control(stack, 'push', { ...push, token: 'wrong', tries: 1 });
    await post('/v1/wechat/push?signature=x&timestamp=1&nonce=2', '<xml></xml>');
  });

  await t.test('the operator', async () => {
    for (const words of [['users', 'show', user.uid], ['users', 'session', user.uid], ['users', 'list'], ['keys', 'list'],
      ['status'], ['config'], ['pay', 'orders']]) {
      const r = stack.cli(...words);
      // He may see who his users are, but no secret.
      answers.push({ what: `mpcloud ${words.join(' ')}`, byFunction: true, text: r.stdout + r.stderr });
    }
    stack.cli('users', 'revoke', other.uid, '--all');
    await ask('GET', '/v1/session', { token: other.accessToken });
    await ask('GET', '/.well-known/jwks.json');
    await ask('GET', '/nothing/here');
    remember(await post('/v1/logout', {}, user.accessToken));
  });
  for (const token of refreshTokens) know('refresh token', token);
  for (const token of accessTokens) know('access token', token);
  const kinds = new Set(secrets.values());
  for (const kind of ['secret_file', 'key_file', 'master_key_file', 'apiv3_key_file', 'private_key_file, a line', 'private_key_file, d',
    'push_token_file', 'push_key_file', 'session_key', 'access_token of WeChat', 'custom login key, a line', 'ticket', 'password',
    'refresh token', 'access token'])
    assert.ok(kinds.has(kind), `${kind}: one is known, of ${[...kinds]}`);
  assert.ok(secrets.size > 60 && openids.size >= 4, `${secrets.size} secrets`);
});

/* ---- the search ---- */

// The same secret as logs, headers and dumps may spell it.
const spellings = (text) => new Set([text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1),
  Buffer.from(text).toString('hex'), Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1)]);

function* found(text, what, needles) {
  for (const [secret, kind] of needles)
    for (const each of spellings(secret))
      if (text.includes(each)) yield `${kind} in ${what}: …${text.slice(Math.max(0, text.indexOf(each) - 120), text.indexOf(each))}`;
}

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !['sandbox', 'pg', 'pgdata'].includes(entry.name)) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

test('the search itself finds what is there', { skip }, () => {
  const [secret] = secrets.keys();
  for (const each of spellings(secret)) assert.equal([...found(`a ${each} b`, 'a text', secrets)].length > 0, true);
});

test('no log holds a secret', { skip }, async () => {
  await until(() => /"event":"http"|"status":404/.test(stack.daemonLog()), 'the log is written');
  const files = [...filesBelow(stack.home)].filter((path) => !secretFiles.has(realpathSync(path)));
  assert.ok(files.some((p) => p.endsWith('mpcloudd.log')) && files.some((p) => /spill/.test(p)), files.join('\n'));
  const printed = files.map((path) => readFileSync(path, 'latin1'));
  assert.ok(printed.some((text) => text.includes('TENCENTCLOUD_RUNENV') || text.includes('TCB_ENV')), 'the environment was printed');
  const bad = files.flatMap((path, i) => [...found(printed[i], path, secrets)]);
  assert.deepEqual(bad, []);
});

test('no answer and no header holds a secret', { skip }, () => {
  const needles = [...secrets].filter(([, kind]) => !/^(refresh|access) token$/.test(kind));
  assert.ok(answers.length > 50);
  assert.deepEqual(answers.flatMap(({ what, text }) => [...found(text, what, needles)]), []);
  // A token is told to its owner when he logs in, and never again.
  for (const token of [...refreshTokens, ...accessTokens]) assert.equal(answers.filter(({ text }) => text.includes(token)).length, 1);
});

test('an openid stands only where an author\'s function or the operator gives it', { skip }, () => {
  const needles = [...openids].map((o) => [o, 'openid']);
  const logs = ['mpcloudd.log'].map((name) => ({ what: name, text: readFileSync(join(stack.home, name), 'utf8') }));
  const said = [...answers.filter((a) => !a.byFunction), ...logs];
  assert.deepEqual(said.flatMap(({ what, text }) => [...found(text, what, needles)]), []);
});

test('no process of ours has a secret in its environment or its arguments', { skip }, () => {
  const processes = descendants(stack.child.pid);
  assert.ok(processes.some((p) => /node/.test(p.args)), 'a worker runs');
  const texts = processes.flatMap(({ pid, args }) => {
    try {
      return [{ what: `process ${args.slice(0, 60)}`, text: `${args}\n${readFileSync(`/proc/${pid}/environ`, 'latin1')}` }];
    } catch { return []; } // it has just ended
  });
  assert.ok(texts.length > 5);
  assert.deepEqual(texts.flatMap(({ what, text }) => [...found(text, what, secrets)]), []);
});

test('a dump of the database holds secrets only sealed', { skip }, async () => {
  const part = (name) => new RegExp(`${name}=(\\S+)`).exec(db.url)?.[1];
  const dump = execFileSync('pg_dump', ['-h', part('host'), ...(part('port') ? ['-p', part('port')] : []),
    '-U', part('user') ?? 'mpcloud', part('dbname')], { encoding: 'latin1', maxBuffer: 1 << 28 });
  assert.ok(dump.includes('COPY mpcloud.session_keys') && dump.includes('COPY mpcloud.access_tokens'));
  assert.deepEqual([...found(dump, 'the dump', secrets)], []);

  // And they are there: with the master key, and only in their own place.
  const master = Buffer.from(settingFile('master_key_file'), 'hex');
  const open = (sealed, place, key = master) => {
    const d = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 13));
    d.setAAD(Buffer.from(place));
    d.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([d.update(sealed.subarray(13, -16)), d.final()]).toString();
  };
  const rows = await db.rows('select * from mpcloud.session_keys order by created_at');
  assert.ok(rows.length >= 4);
  for (const row of rows) {
    const place = `session_key:${row.appid}:${row.openid}`;
    assert.ok(sessionKeys.get(row.openid).includes(open(row.sealed, place)), 'it is what WeChat gave');
    assert.throws(() => open(row.sealed, `${place}x`));
    assert.throws(() => open(row.sealed, place, randomBytes(32)));
  }
});
