// Limits, keys and idempotency as clients meet them: the real daemon with two
// gateways, its time moved by the test, what is let in counted.

import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { generateKeyPairSync, createSign } from 'node:crypto';
import { chmodSync, cpSync, readFileSync } from 'node:fs';
import { join, source, startStack, until } from '../lib/stack.mjs';
import { Clock } from '../lib/pay.mjs';
import { first, letGo } from './limits/hold.mjs';
import { authorization } from './limits/sign.mjs';

const clock = new Clock();
// Where gateways can read it, wherever the source lies.
const routes = join(clock.folder, 'routes.json');
cpSync(join(source, 'tests/e2e/limits/operator.json'), routes);
chmodSync(routes, 0o644);
const stack = await startStack({
  project: join(source, 'tests/e2e/limits'),
  gateways: 2,
  set: { 'limits.shed_delay': 0, 'server.routes': routes },
  env: { MPCLOUD_CLOCK_FILE: clock.file },
});
after(async () => {
  await stack.stop();
  clock.end();
});

// A connection of its own, so that gateways take turns.
function ask(target, { method = 'GET', headers = {}, body, agent } = {}) {
  const url = new URL(stack.url);
  return new Promise((done, failed) => {
    const r = request({ host: url.hostname, port: url.port, path: target, method, agent: agent ?? false,
      headers: { ...(agent ? {} : { connection: 'close' }), ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (d) => { text += d; });
      answer.on('end', () => {
        let json = null;
        try { json = JSON.parse(text); } catch { /* the text says it */ }
        done({ status: answer.statusCode, headers: answer.headers, text, json });
      });
    });
    r.on('error', failed);
    r.end(body);
  });
}

async function statuses(n, target, options) {
  const all = [];
  for (let i = 0; i < n; i++) all.push((await ask(target, options)).status);
  return all;
}

// A kept connection to each gateway: which one a new connection comes to is the
// kernel's choice, and the log says it.
async function connections() {
  const found = new Map();
  await until(async () => {
    const all = await Promise.all(Array.from({ length: 16 }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      return { agent, id: (await ask('/healthz', { agent })).headers['x-request-id'] };
    }));
    for (const { agent, id } of all) {
      const line = await until(() => stack.daemonLog().split('\n').find((l) => l.includes(id)), 'its line');
      const { who } = JSON.parse(line);
      if (found.has(who)) agent.destroy();
      else found.set(who, agent);
    }
    return found.size === 2;
  }, 'a connection to each gateway');
  return [...found.values()];
}

const count = (list, status) => list.filter((s) => s === status).length;

test('what is let in over two gateways is the declared rate within one percent', async () => {
  const headers = { 'x-shop': 'rate' };
  const agents = await connections();
  const each = async (n) => (await Promise.all(
    agents.map((agent) => statuses(n, '/steady', { headers, agent })))).flat();
  let admitted = count(await each(8), 200);
  assert.equal(admitted, 10, 'the burst');
  // 100 times five minutes: five more each, of twelve that ask, half of them at
  // each gateway
  for (let i = 0; i < 100; i++) {
    clock.move(300);
    admitted += count(await each(6), 200);
  }
  assert.ok(admitted >= 510 * 0.99 && admitted <= 510 * 1.01, `${admitted} of 510`);
  for (const agent of agents) agent.destroy();
});

test('who is refused is told when to come again, and comes in then', async () => {
  const headers = { 'x-shop': 'polite' };
  await statuses(10, '/steady', { headers });
  const no = await ask('/steady', { headers });
  assert.equal(no.status, 429);
  assert.equal(no.json.code, 'EXCEED_RATELIMIT');
  assert.match(no.json.message, /limit shop/);
  const wait = Number(no.headers['retry-after']);
  assert.ok(wait > 50 && wait <= 60, `Retry-After ${wait}`);
  assert.equal(no.headers['ratelimit-limit'], '10');
  assert.equal(no.headers['ratelimit-remaining'], '0');
  assert.equal(no.headers['ratelimit-policy'], '"shop";q=60;w=3600');
  assert.match(no.headers.ratelimit, /^"shop";r=0;t=\d+$/);
  clock.move(wait);
  assert.equal((await ask('/steady', { headers })).status, 200);
});

test('one who asks in vain without end takes nothing of what others have', async () => {
  assert.equal(count(await statuses(200, '/steady', { headers: { 'x-shop': 'greedy' } }), 200), 10);
  for (const shop of ['a', 'b', 'c'])
    assert.equal(count(await statuses(10, '/steady', { headers: { 'x-shop': shop } }), 200), 10);
});

test('limits of the file hold for built-in paths too', async () => {
  const all = await statuses(14, '/v1/session');
  assert.equal(count(all, 401), 10);
  assert.equal(count(all, 429), 4);
});

test('no more at once than declared, over both gateways, and places come back', async () => {
  const body = JSON.stringify({ until: 'few' });
  const asked = Array.from({ length: 6 }, () => ask('/few', { method: 'POST', body }));
  const [no] = await first(asked, 4, until);
  letGo(stack, 'few');
  const all = await Promise.all(asked);
  assert.deepEqual(all.map((a) => a.status).sort(), [200, 200, 429, 429, 429, 429]);
  assert.match(no.json.message, /^limit few: too many requests for this route from all clients together at once: wait/);
  assert.ok(Number(no.headers['retry-after']) >= 1);
  const again = () => Promise.all([1, 2].map(() => ask('/few', { method: 'POST', body })));
  await until(async () => (await again()).every((a) => a.status === 200), 'both places are free');
});

test('places that a killed gateway held are free again when it is back', async () => {
  const body = JSON.stringify({ until: 'killed' });
  // Who looks whether both are taken may take one itself for a moment.
  const hold = async () => {
    for (let a; ;) if ((a = await ask('/few', { method: 'POST', body }).catch((e) => e)).status !== 429) return a;
  };
  const held = [hold(), hold()];
  await until(async () => (await ask('/few', { method: 'POST', body: '{"ms":1}' })).status === 429, 'both places are taken');
  for (const g of stack.status().gateways) process.kill(g.pid, 'SIGKILL');
  await Promise.all(held);
  await until(async () => (await ask('/few', { method: 'POST', body: '{"ms":1}' }).catch(() => ({}))).status === 200,
    'the places are free');
});

test('a route for users takes no stranger', async () => {
  assert.equal((await ask('/mine')).status, 401);
  const authorized = { authorization: `Bearer ${stack.token('oUser')}` };
  assert.equal((await ask('/mine', { headers: authorized })).status, 200);
});

const add = (...words) => stack.cliJson('apikeys', 'add', ...words);

test('an API key opens the routes it is for and nothing else', async () => {
  const all = add('all');
  const some = add('some', '--routes', 'program');
  const other = add('other', '--routes', 'signed,elsewhere');
  assert.match(all.key, /^mpk_[0-9a-f]{16}_[\w-]{43}$/);
  const go = (target, headers) => ask(target, { headers }).then((a) => a.status);
  for (const { key } of [all, some]) {
    assert.equal(await go('/program/x', { authorization: `Bearer ${key}` }), 200);
    assert.equal(await go('/program/x', { 'x-api-key': key }), 200);
  }
  assert.equal(await go('/program/x', { 'x-api-key': other.key }), 403);
  assert.equal(await go('/program/x', {}), 401);
  assert.equal(await go('/program/x', { 'x-api-key': all.key.slice(0, -1) + (all.key.endsWith('A') ? 'B' : 'A') }), 401);
  assert.equal(await go('/program/x', { 'x-api-key': `mpk_0123456789abcdef_${'A'.repeat(43)}` }), 401);
  // A user's token is no API key, and an API key is no user.
  assert.equal(await go('/program/x', { authorization: `Bearer ${stack.token('oUser')}` }), 401);
  const bearer = { authorization: `Bearer ${all.key}` };
  assert.equal(await go('/mine', bearer), 401);
  assert.equal(await go('/v1/pay/orders/1', bearer), 401);
  assert.equal((await ask('/v1/functions/echo', { method: 'POST', headers: bearer, body: '{}' })).status, 401);
  assert.equal((await ask('/v1/database/things', { headers: bearer })).status, 401);
});

test('the function behind such a route is not reached around it', async () => {
  const user = { authorization: `Bearer ${stack.token('oUser')}`, 'content-type': 'application/json' };
  const forged = JSON.stringify({ path: '/x', httpMethod: 'GET', headers: { 'x-forwarded-for': '10.0.0.1' }, body: '' });
  const doors = [['/v1/functions/signed', forged], ['/v1/functions/signed?async=true', forged], ['/v1/cloudrun/signed/x', '']];
  for (const [target, body] of doors) {
    const no = await ask(target, { method: 'POST', headers: user, body });
    assert.equal(no.status, 403, `${target}: ${no.text}`);
    assert.match(no.json.message, /the function signed is behind a route/);
  }
  const service = await ask('/x', { method: 'POST', headers: { ...user, 'x-wx-service': 'signed' }, body: '' });
  assert.equal(service.status, 403, service.text);
  for (const more of [{}, { async: true }]) {
    const web = await ask('/web', { method: 'POST', headers: user, body: JSON.stringify({ action: 'functions.invokeFunction',
      env: 'test', dataVersion: '2020-01-10', function_name: 'signed', request_data: forged, ...more }) });
    assert.match(web.json.message, /the function signed is behind a route/, web.text);
  }
  // the operator calls what he likes, and so do functions
  assert.equal(stack.cli('fn', 'invoke', 'signed').status, 0);
  assert.equal((await ask('/v1/functions/hold', { method: 'POST', headers: user, body: '{"ms":1}' })).status, 200);
});

test('a program is nobody to the function behind the route', async () => {
  const { key } = add('nobody');
  const { json } = await ask('/program/y', { headers: { 'x-api-key': key } });
  assert.equal(json.userInfo?.openId ?? '', '');
});

test('a key that is revoked is refused at once, one that expired too', async () => {
  const { key, id } = add('brief', '--expires', '12h');
  const go = () => ask('/program/x', { headers: { 'x-api-key': key } }).then((a) => a.status);
  assert.deepEqual(await statuses(4, '/program/x', { headers: { 'x-api-key': key } }), [200, 200, 200, 200]);
  clock.move(12 * 3600 + 1);
  assert.equal(await go(), 401);
  const { key: second } = add('second');
  assert.deepEqual(await statuses(4, '/program/x', { headers: { 'x-api-key': second } }), [200, 200, 200, 200]);
  assert.equal(stack.cli('apikeys', 'revoke', 'second').stdout, 'second is refused from now on.\n');
  assert.deepEqual(await statuses(6, '/program/x', { headers: { 'x-api-key': second } }), Array(6).fill(401));
  assert.equal(stack.cli('apikeys', 'revoke', 'second').status, 1);
  const list = stack.cli('apikeys', 'list').stdout;
  assert.match(list, /^NAME +ID +ROUTES +CREATED +EXPIRES +STATE$/m);
  assert.match(list, new RegExp(`^brief +${id} +all .* expired$`, 'm'));
  assert.match(list, /^second .* revoked$/m);
  assert.ok(!list.includes('mpk_'), 'keys are shown once');
});

test('a name is one key, and what is no name is refused with words', () => {
  add('twice');
  const again = stack.cli('apikeys', 'add', 'twice');
  assert.equal(again.status, 1);
  assert.match(again.stderr, /revoke it first/);
  assert.match(stack.cli('apikeys', 'add', 'elsewhere', '--routes', 'nowhere').stderr, /no declared route is named nowhere now/);
  assert.match(stack.cli('apikeys', 'add', 'a b').stderr, /letters, digits/);
  assert.match(stack.cli('apikeys', 'add', 'x', '--expires', 'soon').stderr, /90d/);
});

test('an API key has a limit of its own', async () => {
  const { key: a } = add('limit-a');
  const { key: b } = add('limit-b');
  assert.equal(count(await statuses(25, '/program/x', { headers: { 'x-api-key': a } }), 200), 20);
  assert.equal(count(await statuses(25, '/program/x', { headers: { 'x-api-key': b } }), 200), 20);
});

test('a signed request is taken once, unchanged, in time', async () => {
  const { key } = add('signer');
  const target = '/signed/a%20b?page=2&x=%2F';
  const body = JSON.stringify({ sku: 'apple' });
  const sign = (more) => ({ authorization: authorization(key,
    { method: 'POST', target, body, now: clock.now(), ...more }) });
  const go = (headers, more = {}) => ask(more.target ?? target, { method: 'POST', headers, body: more.body ?? body });
  const good = sign();
  const first = await go(good);
  assert.equal(first.status, 200, first.text);
  // on both gateways, as often as is tried
  for (let i = 0; i < 6; i++) {
    const again = await go(good);
    assert.equal(again.status, 401);
    assert.match(again.json.message, /nonce/);
  }
  assert.equal((await go(sign(), { body: '{"sku":"pear"}' })).status, 401);
  assert.equal((await go(sign(), { target: '/signed/a%20b?page=3&x=%2F' })).status, 401);
  assert.equal((await go(sign({ now: clock.now() - 301000 }))).status, 401);
  assert.equal((await go(sign({ now: clock.now() + 302000 }))).status, 401);
  assert.equal((await go(sign({ now: clock.now() - 290000 }))).status, 200);
  assert.equal((await go({ authorization: `Bearer ${key}` })).status, 401, 'the key itself is no signature');
  assert.equal((await go({})).status, 401);
});

const base64url = (x) => Buffer.from(x).toString('base64url');

// createTicket of CloudBase's server SDKs.
function ticket(pair, uid, now) {
  const head = base64url(JSON.stringify({ alg: 'RS256', typ: 'JWT' }));
  const claims = base64url(JSON.stringify({ alg: 'RS256', env: pair.env_id, iat: now, exp: now + 600000, uid,
    refresh: 3600000, expire: now + 3600000 }));
  const signature = createSign('RSA-SHA256').update(`${head}.${claims}`).sign(pair.private_key).toString('base64url');
  return `${pair.private_key_id}/@@/${head}.${claims}.${signature}`;
}

test('a custom login ticket is enough where a route says so', async () => {
  const pair = JSON.parse(stack.cli('keys', 'custom', 'new').stdout);
  const good = { authorization: `Ticket ${ticket(pair, 'shop-user-1', clock.now())}` };
  for (let i = 0; i < 4; i++) assert.equal((await ask('/ticket', { headers: good })).status, 200);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  const forged = ticket({ ...pair, private_key: privateKey }, 'shop-user-1', clock.now());
  assert.equal((await ask('/ticket', { headers: { authorization: `Ticket ${forged}` } })).status, 401);
  assert.equal((await ask('/ticket')).status, 401);
  assert.equal((await ask('/ticket', { headers: { authorization: `Bearer ${stack.token('oUser')}` } })).status, 200);
  assert.equal((await ask('/mine', { headers: good })).status, 401, 'it is no access token');
});

test('a POST that is sent again with its key is answered as the first time', async () => {
  const send = (key, body = '{}') => ask('/lottery', { method: 'POST', headers: { 'idempotency-key': key }, body });
  const first = await send('k-1');
  assert.equal(first.status, 201);
  assert.equal(first.headers['idempotency-replayed'], undefined);
  for (let i = 0; i < 6; i++) {
    const again = await send(i % 2 ? 'k-1' : '"k-1"');
    assert.equal(again.status, 201);
    assert.equal(again.text, first.text);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.equal(again.headers['x-ticket'], first.headers['x-ticket']);
    assert.equal(again.headers['content-type'], first.headers['content-type']);
    assert.notEqual(again.headers['x-request-id'], first.headers['x-request-id']);
  }
  assert.notEqual((await send('k-2')).text, first.text);
  const other = await send('k-1', '{"more":1}');
  assert.equal(other.status, 422);
  assert.equal(other.json.code, 'IDEMPOTENCY_KEY_REUSED');
  assert.equal((await send('')).status, 400);
  assert.equal((await send('x'.repeat(256))).status, 400);
  // without the header each is a new one
  assert.notEqual((await ask('/lottery', { method: 'POST', body: '{}' })).text, first.text);
  clock.move(24 * 3600 + 1);
  const later = await send('k-1');
  assert.equal(later.headers['idempotency-replayed'], undefined);
  assert.notEqual(later.text, first.text);
});

test('while the first runs the second is told so', async () => {
  const body = JSON.stringify({ until: 'running' });
  const send = () => ask('/once', { method: 'POST', headers: { 'idempotency-key': 'running' }, body });
  const asked = [send(), send()];
  const [no] = await first(asked, 1, until);
  assert.equal(no.status, 409, no.text);
  assert.equal(no.json.code, 'IDEMPOTENCY_KEY_RUNNING');
  letGo(stack, 'running');
  assert.deepEqual((await Promise.all(asked)).map((a) => a.status).sort(), [200, 409]);
  assert.equal((await send()).headers['idempotency-replayed'], 'true');
});

// How many calls of a function have begun.
const begun = (name) => stack.cli('logs', name, '--lines', '10000').stdout.split('\n')
  .filter((l) => l.includes('START')).length;

test('whose connection broke asks again and hears how the first one ended', async () => {
  const body = JSON.stringify({ until: 'broken' });
  const headers = { 'idempotency-key': 'broken' };
  const url = new URL(stack.url);
  const before = begun('hold');
  const lost = request({ host: url.hostname, port: url.port, path: '/once', method: 'POST', headers, agent: false });
  lost.on('error', () => {});
  lost.end(body);
  await until(() => begun('hold') > before, 'it runs');
  lost.destroy();
  letGo(stack, 'broken');
  const again = await until(async () => {
    const r = await ask('/once', { method: 'POST', headers, body });
    return r.status !== 409 && r;
  }, 'it has ended');
  assert.equal(again.status, 200);
  assert.equal(again.headers['idempotency-replayed'], 'true');
});

test('a key belongs to its caller, and functions and their errors have it too', async () => {
  const call = (openid, key, event) => ask('/v1/functions/lottery', { method: 'POST', body: JSON.stringify(event),
    headers: { authorization: `Bearer ${openid}`, 'idempotency-key': key } });
  const [one, two] = [stack.token('oOne'), stack.token('oTwo')];
  const first = await call(one, 'same', {});
  assert.equal((await call(one, 'same', {})).text, first.text);
  assert.notEqual((await call(two, 'same', {})).text, first.text);
  const failed = await call(one, 'fails', { fail: true });
  assert.ok(failed.status >= 500, failed.text);
  const again = await call(one, 'fails', { fail: true });
  assert.equal(again.text, failed.text);
  assert.equal(again.headers['idempotency-replayed'], 'true');
});

test('a key whose gateway was killed is free when its lease is over', async () => {
  const send = () => ask('/once', { method: 'POST', headers: { 'idempotency-key': 'killed' },
    body: JSON.stringify({ until: 'key' }) });
  const before = begun('hold');
  const lost = send().catch((e) => e);
  await until(() => begun('hold') > before, 'it runs, so its key is held');
  for (const g of stack.status().gateways) process.kill(g.pid, 'SIGKILL');
  await lost;
  letGo(stack, 'key');
  const no = await until(() => send().catch(() => null), 'a gateway answers');
  assert.equal(no.status, 409);
  clock.move(31);
  const yes = await send();
  assert.equal(yes.status, 200, yes.text);
  assert.equal(yes.headers['idempotency-replayed'], undefined);
});

test('a function that keeps timing out is left alone, then tried once', async () => {
  const agent = undefined;
  const call = (well) => ask(`/late${well ? '?well=1' : ''}`, { method: 'POST', agent, body: '' });
  // each gateway finds out for itself
  const seen = await until(async () => {
    const r = await call();
    return r.json?.code === 'CIRCUIT_OPEN' && r;
  }, 'its circuit opens');
  assert.equal(seen.status, 503);
  assert.ok(Number(seen.headers['retry-after']) <= 30);
  assert.match(readFileSync(join(stack.home, 'mpcloudd.log'), 'utf8'), /"breaker.open"/);
  clock.move(31);
  assert.equal((await call()).status, 504);
});
