// Functions behind paths of their own: what they are given, and what becomes of
// what they return.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join, source, startStack, until } from '../lib/stack.mjs';

let stack, token, openid;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/http'), gateways: 1 });
  openid = 'o-http-1';
  token = stack.token(openid);
  for (const path of ['/locked', '/page', '/web-app', '/web-app/shop', '/late/exit'])
    await until(async () => (await get(path)).status !== 404, `${path} is there`);
});
after(() => stack?.stop());

// Without fetch's own ways: redirects, decoding, header folding.
function get(path, { method = 'GET', headers = {}, body } = {}) {
  const { hostname, port } = new URL(stack.url);
  return new Promise((done, failed) => {
    const request = http.request({ hostname, port, path, method, headers, agent: false }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const bytes = Buffer.concat(parts);
        let json;
        try { json = JSON.parse(bytes); } catch { /* it is none */ }
        done({ status: answer.statusCode, headers: answer.headers, raw: answer.rawHeaders, bytes, json,
          text: bytes.toString() });
      });
    });
    request.on('error', failed);
    request.end(body);
  });
}

test('a request is the integrated request of the documentation', async () => {
  const { status, json } = await get('/web-app/a%20b/c?x=1&x=2&y=%E5%95%86&z', {
    headers: { 'X-Mixed': 'One', Cookie: 'a=1' } });
  assert.equal(status, 200);
  const { event } = json;
  assert.equal(event.path, '/a%20b/c');
  assert.equal(event.httpMethod, 'GET');
  assert.equal(event.headers['x-mixed'], 'One');
  assert.deepEqual(event.multiValueHeaders.cookie, ['a=1']);
  assert.deepEqual(event.queryStringParameters, { x: '2', y: '商', z: '' });
  assert.deepEqual(event.multiValueQueryStringParameters, { x: ['1', '2'], y: ['商'], z: [''] });
  assert.equal(event.body, '');
  assert.equal(event.isBase64Encoded, false);
  const { requestContext: c } = event;
  assert.match(c.requestId, /^[0-9a-f]{32}$/);
  assert.equal(c.envId, json.env);
  assert.equal(c.sourceIp, '127.0.0.1');
  assert.equal(c.httpMethod, 'GET');
  assert.equal(c.path, '/web-app/a%20b/c');
  assert.equal(json.source, 'wx_http');
  assert.equal(json.openid, null);
});

test('the prefix is cut off, the longest path wins, segments are whole', async () => {
  assert.equal((await get('/web-app')).json.event.path, '/');
  assert.equal((await get('/web-app/')).json.event.path, '/');
  assert.deepEqual((await get('/web-app/shop/1')).json, { who: 'shop', path: '/1', httpMethod: 'GET', body: '' });
  assert.equal((await get('/web-app/shopping')).json.event.path, '/shopping');
  assert.equal((await get('/web-apple')).status, 404);
  assert.equal((await get('/web-app%2Fx')).status, 404);
});

test('what the platform answers itself is not a function\'s', async () => {
  assert.equal((await get('/healthz')).status, 200);
  const { status, json } = await get('/v1/nothing');
  assert.equal(status, 404);
  assert.equal(json.code, 'INVALID_PATH');
  const project = join(stack.project, 'cloudbaserc.json');
  const before = readFileSync(project, 'utf8');
  const rc = JSON.parse(before);
  rc.functions[0].triggers[0].path = '/v1/mine';
  writeFileSync(project, JSON.stringify(rc));
  const refused = stack.cli('deploy', stack.project, 'web');
  writeFileSync(project, before);
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr + refused.stdout, /\/v1\/mine.*platform/);
});

test('methods that a trigger does not name get 405 with those it does', async () => {
  const { status, headers, json } = await get('/hook');
  assert.equal(status, 405);
  assert.equal(headers.allow, 'POST, PUT');
  assert.equal(json.code, 'INVALID_METHOD');
  assert.equal((await get('/web-app/shop', { method: 'DELETE' })).headers.allow, 'GET, HEAD');
  const put = await get('/hook/x', { method: 'PUT', body: 'a=1', headers: { 'content-type': 'text/plain' } });
  assert.deepEqual(put.json, { who: 'shop', path: '/x', httpMethod: 'PUT', body: 'a=1' });
  const options = await get('/web-app/x', { method: 'OPTIONS' });
  assert.equal(options.json.event.httpMethod, 'OPTIONS');
  const head = await get('/web-app/object', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '23']);
});

test('text, numbers and objects answer as CloudBase has them', async () => {
  const type = async (path) => {
    const { status, headers, text } = await get(`/web-app${path}`);
    return [status, headers['content-type'], text];
  };
  assert.deepEqual(await type('/text'), [200, 'text/plain; charset=utf-8', 'hello 世界']);
  assert.deepEqual(await type('/number'), [200, 'text/plain; charset=utf-8', '42']);
  assert.deepEqual(await type('/object'), [200, 'application/json; charset=utf-8', '{"foo":"bar","n":[1,2]}']);
  assert.deepEqual(await type('/nothing'), [204, undefined, '']);
  assert.deepEqual(await type('/html'), [200, 'text/html; charset=utf-8', '<h1>世界</h1>']);
  assert.deepEqual(await type('/created'), [201, 'application/json; charset=utf-8', '{"made":true}']);
});

test('binary answers, cookies, several values and redirects arrive as they are', async () => {
  const pixel = await get('/web-app/pixel.png');
  assert.equal(pixel.headers['content-type'], 'image/png');
  assert.deepEqual([...pixel.bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  assert.equal(pixel.bytes.length, 70);
  assert.deepEqual((await get('/web-app/cookies')).headers['set-cookie'], ['a=1; Path=/', 'b=2; HttpOnly', 'c=3']);
  const { raw } = await get('/web-app/many');
  assert.deepEqual(raw.filter((_, i) => raw[i - 1] === 'Vary'), ['Accept', 'Origin']);
  const redirect = await get('/web-app/redirect');
  assert.deepEqual([redirect.status, redirect.headers.location], [302, '/web-app/text']);
  const followed = await fetch(`${stack.url}/web-app/redirect`);
  assert.equal(await followed.text(), 'hello 世界');
  const unchanged = await get('/web-app/not-modified');
  assert.deepEqual([unchanged.status, unchanged.headers.etag, unchanged.text], [304, '"1"', '']);
});

test('a body that the author compressed is what a browser unpacks', async () => {
  const raw = await get('/web-app/gzip');
  assert.equal(raw.headers['content-encoding'], 'gzip');
  assert.ok(raw.bytes.length < 200);
  assert.equal(await (await fetch(`${stack.url}/web-app/gzip`)).text(), 'x'.repeat(10000));
});

test('a megabyte goes either way, text and bytes', async () => {
  const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
  const send = async (body, type) => (await get('/web-app/digest', { method: 'POST', body,
    headers: { 'content-type': type } })).json;
  const bytes = randomBytes(1 << 20), text = Buffer.from('商'.repeat(1 << 18));
  assert.deepEqual(await send(bytes, 'application/octet-stream'),
    { length: 1 << 20, base64: true, sha256: sha(bytes) });
  assert.deepEqual(await send(text, 'text/plain'), { length: text.length, base64: false, sha256: sha(text) });
  assert.deepEqual(await send(bytes, 'text/plain'), { length: 1 << 20, base64: true, sha256: sha(bytes) });
  const big = await get('/web-app/big');
  assert.deepEqual([big.bytes.length, big.text.replaceAll('y', '')], [1 << 20, '']);
});

test('an answer cannot end early, and cannot put in a header that is none', async () => {
  const hop = await get('/web-app/hop');
  assert.deepEqual([hop.text, hop.headers['content-length'], hop.headers['x-kept']], ['not three', '9', '1']);
  assert.equal(hop.headers['transfer-encoding'], undefined);
  const split = await get('/web-app/split');
  assert.equal(split.status, 502);
  assert.equal(split.headers['set-cookie'], undefined);
  assert.equal(split.json.code, 'FUNCTIONS_EXECUTE_FAIL');
  assert.match(split.json.message, /header.*x-a/);
  assert.equal((await get('/web-app/status')).status, 502);
  await until(() => /the function's answer is not valid HTTP: .*x-a/.test(stack.cli('logs', 'web').stdout),
    'the author reads it in the log');
});

test('nobody says for himself who he is and where he comes from', async () => {
  const own = { 'X-Forwarded-For': '6.6.6.6', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'bank.example', 'X-Real-IP': '6.6.6.6',
    X_Real_IP: '6.6.6.6', 'X-Client-IP': '6.6.6.6', Forwarded: 'for=6.6.6.6', 'X-Forwarded-Port': '1', 'X-Mpcloud-Uid': 'admin',
    X_Mpcloud_Uid: 'admin', 'X-WX-OPENID': 'victim', 'x-wx-unionid': 'victim', X_WX_SOURCE: 'wx', Proxy: 'http://6.6.6.6',
    'X-Original-URL': '/admin', 'X-Rewrite-Url': '/admin', 'X-Forward': 'kept' };
  const { event } = (await get('/web-app/me', { headers: own })).json;
  assert.ok(!/6\.6\.6\.6|victim|admin"|bank/.test(JSON.stringify(event)), JSON.stringify(event));
  const { headers, requestContext: { sourceIp } } = event, { host } = new URL(stack.url);
  assert.deepEqual(['x-forwarded-for', 'x-real-ip', 'x-forwarded-proto', 'x-forwarded-host'].map((n) => headers[n]),
    [sourceIp, sourceIp, 'http', host]);
  assert.deepEqual([headers['x-forward'], headers.x_wx_source], ['kept', undefined]);
});

test('headers of a name that comes twice are joined, and both are there', async () => {
  const { hostname, port } = new URL(stack.url);
  const answer = await new Promise((done, failed) => {
    let text = '';
    const socket = net.connect(port, hostname, () => socket.write(
      `GET http://${hostname}:${port}/web-app/twice HTTP/1.1\r\nHost: ${hostname}:${port}\r\nX-Two: a\r\nx-two: b\r\n` +
      'Cookie: a=1\r\nCookie: b=2\r\nConnection: close\r\n\r\n'));
    socket.on('data', (part) => { text += part; });
    socket.on('end', () => done(text));
    socket.on('error', failed);
  });
  const { event } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  assert.equal(event.path, '/twice');
  assert.equal(event.headers['x-two'], 'a, b');
  assert.equal(event.headers.cookie, 'a=1; b=2');
  assert.deepEqual(event.multiValueHeaders['x-two'], ['a', 'b']);
});

test('failures are errors of HTTP with our codes', async () => {
  const thrown = await get('/web-app/throw');
  assert.equal(thrown.status, 500);
  assert.equal(thrown.json.code, 'FUNCTIONS_EXECUTE_FAIL');
  assert.match(thrown.json.requestId, /^[0-9a-f]{32}$/);
  const late = await get('/late');
  assert.deepEqual([late.status, late.json.code], [504, 'FUNCTIONS_TIME_LIMIT_EXCEEDED']);
  const gone = await get('/late/exit');
  assert.deepEqual([gone.status, gone.json.code], [502, 'FUNCTIONS_EXECUTE_FAIL']);
});

test('a script function answers in the same way', async () => {
  const plain = await get('/page/a/b?q=1', { method: 'POST', body: 'x=1', headers: {
    'content-type': 'application/x-www-form-urlencoded' } });
  assert.deepEqual(plain.json, { path: '/a/b', query: { q: '1' }, body: 'x=1', base64: false, trigger: 'http' });
  const pixel = await get('/page/pixel.png');
  assert.deepEqual([pixel.headers['content-type'], pixel.bytes.length], ['image/png', 70]);
  const cookies = await get('/page/cookies');
  assert.deepEqual([cookies.status, cookies.headers['set-cookie'], cookies.text], [201, ['a=1', 'b=2'], '世界']);
  const thrown = await get('/page/throw');
  assert.deepEqual([thrown.status, thrown.json.code], [500, 'FUNCTIONS_EXECUTE_FAIL']);
});

test('a valid token makes the caller known; only auth needs one', async () => {
  const as = (authorization) => get('/web-app/me', { headers: { authorization } });
  assert.equal((await as(`Bearer ${token}`)).json.openid, openid);
  const basic = await as('Basic dXNlcjpwYXNz');
  assert.equal(basic.json.openid, null);
  assert.equal(basic.json.event.headers.authorization, 'Basic dXNlcjpwYXNz');
  assert.equal((await as(`Bearer ${token.slice(0, -2)}xx`)).json.openid, null);
  const refused = await get('/locked');
  assert.deepEqual([refused.status, refused.json.code], [401, 'CHECK_LOGIN_FAILED']);
  assert.equal(refused.headers['www-authenticate'], 'Bearer');
  const known = await get('/locked', { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual(known.json, { openid, uid: true });
});

test('an event larger than the setting is refused as too large', async () => {
  // Of six MiB as base64 there are eight.
  const { status, json } = await get('/web-app/digest', { method: 'POST', body: randomBytes(6 << 20) });
  assert.deepEqual([status, json.code], [413, 'EXCEED_REQUEST_SIZE_LIMIT']);
});

test('two functions cannot have one path: the older keeps it', async () => {
  const project = join(stack.project, 'cloudbaserc.json');
  const before = readFileSync(project, 'utf8');
  const rc = JSON.parse(before);
  rc.functions.find((f) => f.name === 'late').triggers.push({ name: 'thief', type: 'http', path: '/locked' });
  writeFileSync(project, JSON.stringify(rc));
  const refused = stack.cli('deploy', stack.project, 'late');
  writeFileSync(project, before);
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr + refused.stdout, /\/locked belongs to function locked/);
  assert.equal((await get('/locked')).status, 401);
});

test('a trigger that is taken away with a deploy answers no more', async () => {
  const project = join(stack.project, 'cloudbaserc.json');
  const rc = JSON.parse(readFileSync(project, 'utf8'));
  rc.functions.find((f) => f.name === 'shop').triggers = [{ name: 'other', type: 'http', path: '/other' }];
  writeFileSync(project, JSON.stringify(rc));
  assert.equal(stack.cli('deploy', stack.project, 'shop').status, 0);
  await until(async () => (await get('/other')).status === 200, 'the new path answers');
  assert.equal((await get('/hook', { method: 'POST' })).status, 404);
  assert.equal((await get('/web-app/shop/1')).json.event.path, '/shop/1');
});

test('a path within the query of an absolute target is no path', async () => {
  const project = join(stack.project, 'cloudbaserc.json');
  const rc = JSON.parse(readFileSync(project, 'utf8'));
  rc.functions.find((f) => f.name === 'shop').triggers = [{ name: 'root', type: 'http', path: '/' }];
  writeFileSync(project, JSON.stringify(rc));
  assert.equal(stack.cli('deploy', stack.project, 'shop').status, 0);
  await until(async () => (await get('/anything')).json?.path === '/anything', 'the root answers');
  const { hostname, port } = new URL(stack.url);
  const asked = (target) => get(`http://${hostname}:${port}${target}`);
  assert.equal((await asked('/a/b?x=/locked')).json.path, '/a/b');
  assert.equal((await asked('?x=/locked')).json.path, '/');
});
