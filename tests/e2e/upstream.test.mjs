// Routes to programs behind us: what reaches them, what comes back, and what
// happens when they fail in every way a server can.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import test, { after, before } from 'node:test';

import { assertNobodyDied, join, source, startStack, until } from '../lib/stack.mjs';

let stack, outside;
const servers = {}; // by name: {port, asked, server}
const echoed = []; // what `echo` was asked, in order

const large = Buffer.alloc(5_000_000, 0).map((_, i) => (i * 31) ^ (i >> 8));
const sha = (b) => createHash('sha256').update(b).digest('hex');

function listen(name, server) {
  servers[name] = { server, asked: 0 };
  server.on(server instanceof http.Server ? 'request' : 'connection', () => { servers[name].asked++; });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => {
    servers[name].port = server.address().port;
    done();
  }));
}

// What an HTTP server can do.
function answer(name) {
  return (req, res) => {
    const { pathname } = new URL(req.url, 'http://x');
    const what = pathname.split('/').pop();
    const parts = [];
    if (what === 'early') {
      res.writeHead(413, { 'content-type': 'text/plain' });
      res.end('too much');
      return;
    }
    if (what === 'sse') {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: 1\n\n');
      servers[name].sse = res;
      return;
    }
    if (what === 'never') return;
    if (what === 'mirror') { // it reads as fast as what it says is taken
      res.writeHead(200, { 'content-type': 'application/octet-stream' });
      req.pipe(res);
      return;
    }
    if (what === 'half') {
      res.writeHead(200, { 'content-length': 100000 });
      res.write('x'.repeat(50000), () => req.socket.destroy());
      return;
    }
    if (what === 'hang-up') {
      req.socket.destroy();
      return;
    }
    req.on('data', (d) => parts.push(d));
    req.on('end', () => {
      const body = Buffer.concat(parts);
      if (what === 'large') {
        res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': large.length });
        res.end(large);
      } else if (what === 'chunks') {
        res.writeHead(200, { 'content-type': 'application/octet-stream' });
        for (let i = 0; i < large.length; i += 100_000) res.write(large.subarray(i, i + 100_000));
        res.end();
      } else if (what === 'empty') {
        res.writeHead(204, { 'x-one': '1' });
        res.end();
      } else if (what === 'headers') {
        res.writeHead(201, [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['Connection', 'X-Hop'],
          ['X-Hop', 'no'], ['X-Kept', 'yes'], ['Keep-Alive', 'timeout=5'], ['ETag', '"e"']].flat());
        res.end('{}');
      } else {
        echoed.push({ name, method: req.method, url: req.url, headers: req.headers, raw: req.rawHeaders });
        res.writeHead(200, { 'content-type': 'application/json' });
        res.end(JSON.stringify({ name, method: req.method, url: req.url, headers: req.headers,
          length: body.length, sha: sha(body) }));
      }
    });
  };
}

before(async () => {
  for (const name of ['echo', 'a', 'b', 'healthy'])
    await listen(name, http.createServer({ keepAliveTimeout: 60000 }, answer(name)));
  // one that is not there, one that closes each connection, one that speaks no HTTP
  await listen('gone', net.createServer());
  await new Promise((done) => servers.gone.server.close(done));
  await listen('closes', net.createServer((s) => s.on('error', () => {}).once('data', () => s.destroy())));
  await listen('garbage', net.createServer((s) => s.on('error', () => {})
    .once('data', () => s.end('what do you want?\r\n\r\n'))));
  // heads whose body is torn at once
  await listen('torn', net.createServer((s) => s.on('error', () => {}).once('data', (d) => s.end(`HTTP/1.1 200 OK\r\n${{
    chunk: 'Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n', huge: 'Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc\r\n',
    none: 'Content-Length: 10\r\n\r\n', some: 'Content-Length: 10\r\n\r\nabc', long: 'Content-Length: 100000\r\n\r\nabc',
    same: `ETag: "${servers.torn.asked % 10}"\r\nserver: ${'ab'[servers.torn.asked % 2]}\r\nContent-Length: 2\r\n\r\nok`,
    twice: `Server: ${'ab'[servers.torn.asked % 2]}\r\nserver: ${'ab'[servers.torn.asked % 2]}\r\nVary: x\r\nVary: y\r\nContent-Length: 2\r\n\r\nok`,
    never: 'Transfer-Encoding: chunked\r\n\r\n' }[/\/torn\/(\w+)/.exec(d)[1]]}`))));
  // asks for its health and fails until told otherwise
  servers.sick = { ok: false, checks: 0 };
  await listen('sick', http.createServer((req, res) => {
    if (req.url === '/health') servers.sick.checks++;
    res.writeHead(servers.sick.ok ? 200 : 500);
    res.end(JSON.stringify({ name: 'sick' }));
  }));
  servers.sick.ok = false;
  servers.sick.checks = 0;
  // never well
  await listen('ill', http.createServer((req, res) => {
    if (req.url === '/health') servers.ill.checks++;
    res.writeHead(500);
    res.end();
  }));
  servers.ill.checks = 0;
  // hangs up when it is told to, once
  await listen('once', http.createServer((req, res) => {
    if (servers.once.hangs) req.socket.destroy();
    else res.end(JSON.stringify({ name: 'once' }));
    servers.once.hangs = false;
  }));
  // says twice which of its headers are for us alone
  await listen('hops', net.createServer((s) => s.on('error', () => {}).on('data', () => s.write('HTTP/1.1 200 OK\r\n'
    + 'Connection: keep-alive\r\nConnection: X-Hop\r\nX-Hop: no\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok'))));
  const at = (name) => `http://127.0.0.1:${servers[name].port}`;
  const to = (name) => ({ upstream: name });
  outside = mkdtempSync(join(tmpdir(), 'mpc-upstream-'));
  chmodSync(outside, 0o755);
  writeFileSync(join(outside, 'routes.json'), JSON.stringify({
    upstreams: {
      echo: { servers: [`${at('echo')}/base/`] },
      host: { servers: [at('echo')], host: 'client' },
      two: { servers: [at('a'), at('b')] },
      one_gone: { servers: [at('gone'), at('a')], fails: 2, down: '1h' },
      all_gone: { servers: [at('gone')] },
      closes: { servers: [at('closes'), at('a')], fails: 0 },
      closes_only: { servers: [at('closes')], fails: 0, retries: 0 },
      garbage: { servers: [at('garbage')], fails: 0 },
      torn: { servers: [at('torn')], fails: 0, retries: 0 },
      slow: { servers: [at('a')], timeout: '300ms', fails: 0 },
      socket: { servers: [`unix:${join(outside, 'app.sock')}:/base`], health: { path: '/health', every: '50ms' } },
      checked: { servers: [at('sick'), at('healthy')], health: { path: '/health', every: '50ms' } },
      last: { servers: [at('ill'), at('once')], fails: 0, health: { path: '/health', every: '50ms' } },
      hops: { servers: [at('hops')] },
    },
    routes: ['echo', 'host', 'two', 'one_gone', 'all_gone', 'closes', 'closes_only', 'garbage', 'torn', 'slow', 'checked', 'last', 'hops']
      .map((name) => ({ name, path: `/${name}/*`, to: to(name), body: '100m', breaker: false }))
      .concat([{ name: 'known', path: '/known/*', auth: 'user', to: to('echo') },
        { name: 'says', path: '/says/*', to: to('echo'), request: { headers: { set: { 'X-Role': 'guest' } } } },
        { name: 'keyed', path: '/keyed/*', auth: 'apikey', to: to('echo') },
        { name: 'proxied', path: '/proxied/*', to: to('echo'),
          request: { headers: { set: { 'X-Forwarded-For': 'of the route', 'X-Forwarded-Prefix': '/proxied' } } } },
        { name: 'added', path: '/added/*', auth: 'user', to: to('echo'), request: { headers: {
          set: { Authorization: 'Basic of-the-route' }, add: { 'X-Real-IP': '10.9.9.9' }, remove: ['X-Debug-User'] } } },
        { name: 'all', path: '/shop/*', to: to('echo') },
        { name: 'secure', path: '/shop/secure/*', auth: 'apikey', to: to('echo') },
        { name: 'socket', path: '/socket/*', to: to('socket') },
        { name: 'small', path: '/small/*', to: to('echo'), body: '1k' }]),
  }));
  servers.socket = { server: http.createServer(answer('socket')), asked: 0 };
  await new Promise((done) => servers.socket.server.listen(join(outside, 'app.sock'), done));
  chmodSync(join(outside, 'app.sock'), 0o777); // gateways run as another user
  stack = await startStack({ functions: [], gateways: 1, set: { 'server.routes': join(outside, 'routes.json') } });
});

after(async () => {
  await stack?.stop();
  for (const { server } of Object.values(servers)) {
    server.closeAllConnections?.();
    server.close();
  }
  rmSync(outside, { recursive: true, force: true });
});

function ask(path, { method = 'GET', headers = {}, body, chunks, onRequest } = {}) {
  const { hostname, port } = new URL(stack.url);
  return new Promise((done) => {
    const request = http.request({ hostname, port, path, method, headers, agent: false }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', () => {});
      res.on('close', () => {
        const bytes = Buffer.concat(parts);
        let json;
        try { json = JSON.parse(bytes); } catch { /* it is none */ }
        done({ status: res.statusCode, headers: res.headers, raw: res.rawHeaders, bytes, json, whole: res.complete });
      });
    });
    request.on('error', (error) => done({ error }));
    onRequest?.(request);
    if (chunks) {
      for (const c of chunks) request.write(c);
      request.end();
    } else {
      request.end(body);
    }
  });
}

test('a request reaches the server as it was asked, with who asked it, and no hop-by-hop header', async () => {
  const r = await ask('/echo/a%20b//c?x=%201&y', { headers: { 'X-Mine': 'v', 'X-Empty': '',
    Connection: 'X-Secret, close', 'X-Secret': 's', TE: 'trailers', 'X-Forwarded-For': '9.9.9.9',
    'X-Mpcloud-Uid': 'somebody', Forwarded: 'for=9.9.9.9', Authorization: 'Basic x', 'User-Agent': 'ua' } });
  assert.equal(r.status, 200);
  const { headers, url } = r.json;
  assert.equal(url, '/base/echo/a%20b//c?x=%201&y');
  assert.equal(headers['x-mine'], 'v');
  assert.equal(headers['x-empty'], '');
  assert.equal(headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(headers['x-forwarded-proto'], 'http');
  assert.equal(headers['x-forwarded-host'], new URL(stack.url).host);
  assert.equal(headers.host, `127.0.0.1:${servers.echo.port}`);
  assert.equal(headers['x-request-id'], r.headers['x-request-id']);
  assert.equal(headers.authorization, 'Basic x'); // the route asks for none itself
  assert.equal(headers['user-agent'], 'ua');
  for (const gone of ['x-secret', 'te', 'forwarded', 'x-mpcloud-uid', 'expect', 'accept'])
    assert.equal(headers[gone], undefined, gone);
  const again = (await ask('/host/x')).json;
  assert.equal(again.headers.host, new URL(stack.url).host);
  assert.equal(again.headers['user-agent'], undefined);
});

test('who is known is told to the server, and not his token', async () => {
  assert.equal((await ask('/known/x')).status, 401);
  const { token, uid } = await stack.login('upstream-user').then((l) =>
    ({ token: l.accessToken ?? l.access_token ?? l.token, uid: l.uid }));
  const { headers } = (await ask('/known/x', { headers: { Authorization: `Bearer ${token}` } })).json;
  assert.equal(headers.authorization, undefined);
  assert.ok(headers['x-mpcloud-uid']);
  if (uid) assert.equal(headers['x-mpcloud-uid'], uid);
});

test('answers come back with their status and headers, each once, without those of the hop', async () => {
  const r = await ask('/echo/headers');
  assert.equal(r.status, 201);
  assert.deepEqual(r.headers['set-cookie'], ['a=1', 'b=2']);
  assert.equal(r.headers['x-kept'], 'yes');
  assert.equal(r.headers['x-hop'], undefined);
  assert.equal(r.headers['keep-alive'], undefined);
  assert.equal(r.headers.etag, '"e"');
  assert.equal(r.headers['content-length'], '2');
  const empty = await ask('/echo/empty');
  assert.equal(empty.status, 204);
  assert.equal(empty.headers['x-one'], '1');
  assert.equal(empty.bytes.length, 0);
  const head = await ask('/echo/large', { method: 'HEAD' });
  assert.equal(head.headers['content-length'], String(large.length));
  assert.equal(head.bytes.length, 0);
});

test('bodies pass through whole, short or long, with a length or in chunks', async () => {
  for (const path of ['/echo/large', '/echo/chunks']) {
    const r = await ask(path);
    assert.equal(r.whole, true);
    assert.equal(sha(r.bytes), sha(large), path);
  }
  const cut = [large.subarray(0, 10), large.subarray(10, 300_000), large.subarray(300_000)];
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    for (const body of [Buffer.alloc(0), Buffer.from('short'), large]) {
      const { json } = await ask('/echo/x', { method, body, headers: { 'content-length': body.length } });
      assert.deepEqual([json.method, json.length, json.sha], [method, body.length, sha(body)]);
    }
  const chunked = await ask('/echo/x', { method: 'POST', chunks: cut });
  assert.equal(chunked.status, 200, String(chunked.error ?? chunked.bytes));
  const { json } = chunked;
  assert.deepEqual([json.length, json.sha], [large.length, sha(large)]);
  assert.equal(json.headers['transfer-encoding'], 'chunked');
  assert.equal((await ask('/small/x', { method: 'POST', body: Buffer.alloc(2000) })).status, 413);
  assert.equal((await ask('/small/x', { method: 'POST', chunks: [Buffer.alloc(2000)] })).status, 413);
});

test('a long answer is sent as it comes', async () => {
  const { hostname, port } = new URL(stack.url);
  const request = http.get({ hostname, port, path: '/echo/sse', agent: false });
  const res = await new Promise((done) => request.on('response', done));
  let text = '';
  res.on('data', (d) => { text += d; });
  await until(() => text === 'data: 1\n\n', 'the first event');
  servers.echo.sse.write('data: 2\n\n');
  await until(() => text.endsWith('data: 2\n\n'), 'the second event');
  const closed = new Promise((done) => servers.echo.sse.on('close', done));
  servers.echo.sse.end();
  await closed;
  await until(() => res.complete, 'the end');
});

test('answers that look alike are each their own', async () => {
  const values = (r, name) => r.raw.filter((_, i) => i % 2 && r.raw[i - 1].toLowerCase() === name);
  for (let i = 0; i < 12; i++) {
    const same = await ask('/torn/same');
    const n = servers.torn.asked;
    assert.deepEqual([values(same, 'etag'), values(same, 'server'), String(same.bytes)], [[`"${n % 10}"`], ['ab'[n % 2]], 'ok']);
    const twice = await ask('/torn/twice');
    const letter = 'ab'[servers.torn.asked % 2];
    assert.deepEqual([values(twice, 'server'), values(twice, 'vary')], [[letter, letter], ['x', 'y']]);
  }
});

test('requests go to all servers in turn', async () => {
  const before = [servers.a.asked, servers.b.asked];
  for (let i = 0; i < 10; i++) assert.equal((await ask('/two/x')).status, 200);
  assert.deepEqual([servers.a.asked - before[0], servers.b.asked - before[1]], [5, 5]);
});

test('connections to servers are kept', async () => {
  let connections = 0;
  servers.b.server.on('connection', () => { connections++; });
  for (let i = 0; i < 40; i++) assert.equal((await ask('/two/x')).status, 200);
  assert.ok(connections <= 1, `${connections} new connections`);
});

test('a server that is not there is passed over, for any method, and then left alone', async () => {
  for (let i = 0; i < 6; i++) {
    const r = await ask('/one_gone/x', { method: 'POST', body: 'b' });
    assert.equal(r.json?.name, 'a');
    assert.equal(r.json.length, 1);
  }
  const said = stack.logs(200000).split('\n').filter((l) => l.includes('upstream.failed') && l.includes('one_gone'));
  assert.equal(said.length, 2); // then it rests
  const none = await ask('/all_gone/x');
  assert.equal(none.status, 502);
  assert.equal(none.json.code, 'SYS_ERR');
  assert.ok(!JSON.stringify(none.json).includes(String(servers.gone.port)));
});

test('what may have been done is not done again; what cannot do harm is', async () => {
  for (let i = 0; i < 4; i++)
    assert.equal((await ask('/closes/x')).json?.name, 'a', 'GET is asked of another');
  const before = servers.a.asked;
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await ask('/closes/x', { method: 'POST', body: 'b' })).status);
  statuses.sort();
  assert.deepEqual(statuses, [200, 200, 502, 502]);
  assert.equal(servers.a.asked - before, 2);
  // a body that is not kept cannot be sent again
  const asked = servers.closes.asked;
  assert.equal((await ask('/closes_only/x', { method: 'PUT', body: large })).status, 502);
  assert.equal(servers.closes.asked - asked, 1);
});

test('servers that speak nonsense, hang up, are silent or break off', async () => {
  assert.equal((await ask('/garbage/x')).status, 502);
  assert.equal((await ask('/slow/never')).status, 504);
  assert.equal((await ask('/closes_only/x')).status, 502);
  const half = await ask('/echo/half');
  // never taken for whole; 502 when it broke off before its head was sent on
  assert.ok(half.error || half.whole === false || half.status === 502, String(half.status));
  const early = await ask('/echo/early', { method: 'POST', body: large });
  assert.ok(early.error || early.status === 413);
  // it still answers
  assert.equal((await ask('/echo/x')).status, 200);
});

test('a server that breaks off in the turn of its head is one answer, and nobody dies', async () => {
  for (const what of ['chunk', 'huge', 'none', 'some', 'long', 'never'])
    for (const method of ['GET', 'POST']) {
      const r = await ask(`/torn/${what}`, { method, ...(method === 'POST' && { body: large.subarray(0, 100_000) }) });
      assert.ok(r.error || r.status === 502 || r.whole === false, `${method} ${what}: ${r.status}`);
    }
  assertNobodyDied(stack);
});

test('no spelling of a header lets a client speak for us or for the route', async () => {
  const { headers } = (await ask('/says/x', { headers: { 'X_Mpcloud_Uid': 'somebody', 'X-Forwarded_For': '9.9.9.9', 'X_Mine': 'v',
    Connection: 'X-Role, X-Other, close', 'X-Role': 'admin', 'X-Other': 'o' } })).json;
  assert.deepEqual([headers['x_mpcloud_uid'], headers['x-forwarded_for'], headers['x-other']], [undefined, undefined, undefined]);
  assert.deepEqual([headers['x-role'], headers['x_mine']], ['guest', 'v']);
  // to PHP and WSGI it is the route's
  assert.equal((await ask('/says/x', { headers: { X_Role: 'admin' } })).json.headers['x_role'], undefined);
});

test('what a route says is said whatever the client says beside it', async () => {
  const { token } = await stack.login('upstream-added').then((l) => ({ token: l.accessToken ?? l.access_token ?? l.token }));
  const { headers } = (await ask('/added/x', { headers: { Authorization: `Bearer ${token}`, 'X-Real-IP': '9.9.9.9', 'X_Debug-User': 'root' } })).json;
  assert.equal(headers.authorization, 'Basic of-the-route');
  assert.equal(headers['x-real-ip'], '10.9.9.9');
  assert.equal(headers['x_debug-user'], undefined);
});

test('headers that any Connection header names stay on their side, both ways', async () => {
  const { headers } = (await ask('/echo/x', { headers: { Connection: ['close', 'X-First', 'X-Second'], 'X-First': '1', 'X-Second': '2', 'X-Third': '3' } })).json;
  assert.deepEqual([headers['x-first'], headers['x-second'], headers['x-third']], [undefined, undefined, '3']);
  const r = await ask('/hops/x');
  assert.deepEqual([r.status, r.headers['x-hop'], r.headers['x-kept']], [200, undefined, 'yes']);
});

test('a server that waits for us to take its answer, while we wait for it to take the request, is silent', async () => {
  const r = await ask('/slow/mirror', { method: 'POST', chunks: Array.from({ length: 8 }, () => large) });
  assert.equal(r.status, 504, String(r.error));
});

// As a client that normalizes nothing sends it; the answer's status and JSON.
function raw(target) {
  const { hostname, port } = new URL(stack.url);
  return new Promise((done, failed) => {
    const s = net.connect(port, hostname, () => s.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`));
    let text = '';
    s.on('data', (d) => { text += d; });
    s.on('error', failed);
    s.on('end', () => {
      const body = text.slice(text.indexOf('\r\n\r\n') + 4);
      done({ status: Number(text.slice(9, 12)), json: JSON.parse(body) });
    });
  });
}

test('no spelling of a path leads around a route that asks for a key', async () => {
  for (const [target, status] of [
    ['/shop/secure/x', 401], ['/shop/secure', 401], ['//shop/secure/x', 401], ['/shop//secure/x', 401],
    ['/shop/%73ecure/x', 401], ['/shop/secure%2fx', 401], ['/shop%2fsecure/x', 401], ['/shop/%2fsecure', 401],
    ['http://a//shop/secure/x', 401],
    ['/shop/./secure/x', 400], ['/shop/x/../secure', 400], ['/shop/x/%2e%2e/secure', 400], ['/shop/secure%2f..', 400],
    ['/shop/SECURE/x', 400], ['/shop/secure;a/x', 400], ['/shop/x/..;/secure/x', 400], ['/shop/%5csecure/x', 400],
    ['/shop/%2573ecure/x', 400], ['/shop/x%255c..%255csecure', 400],
  ]) {
    const before = echoed.length;
    assert.equal((await raw(target)).status, status, target);
    assert.equal(echoed.length, before, `${target} reached the server`);
  }
  // what is open is passed on as it was asked
  for (const target of ['/shop/Open//x;y/%2541', '//shop/x', '/shop/securely', '/shop/a%2fb']) {
    const r = await raw(target);
    assert.deepEqual([r.status, r.json.url], [200, `/base${target}`]);
  }
  const said = stack.cli('route', 'test', 'GET', '/shop/SECURE/x').stdout;
  assert.match(said, /400: .* route "secure"/);
});

test('a server behind a unix socket is reached, also for its health, with bodies both ways', async () => {
  const r = await ask('/socket/x?y', { method: 'POST', body: large, headers: { 'content-length': large.length } });
  assert.deepEqual([r.status, r.json?.url, r.json?.headers.host, r.json?.sha], [200, '/base/socket/x?y', 'localhost', sha(large)]);
  assert.equal(sha((await ask('/socket/large')).bytes), sha(large));
  await until(() => echoed.some((e) => e.url === '/base/health'), 'it is asked for its health');
  assert.equal((await ask('/socket/x')).status, 200);
});

test('a client does not say what a proxy says; a route may; keys go no further', async () => {
  const claims = { 'X-Real-IP': '9.9.9.9', 'X-Forwarded-Port': '1', 'X_Forwarded_Prefix': '/x', 'X-Client-IP': '9.9.9.9', 'X-Original-URL': '/admin',
    'X-Rewrite-URL': '/admin', Proxy: 'http://evil', 'X-WX-OPENID': 'o', 'X-Wx-Source': 'wx_client', 'X_WX_UNIONID': 'u' };
  const { headers } = (await ask('/echo/x', { headers: { ...claims, 'X-WX-Service': 'echo', 'X-Api-Key': 'of the program' } })).json;
  for (const name of Object.keys(claims).map((n) => n.toLowerCase()))
    assert.equal(headers[name], name === 'x-real-ip' ? '127.0.0.1' : undefined, name);
  assert.deepEqual([headers['x-wx-service'], headers['x-api-key']], ['echo', 'of the program']);
  const said = (await ask('/proxied/x', { headers: { 'X-Real-IP': '9.9.9.9', 'X-Forwarded-For': '9.9.9.9' } })).json.headers;
  assert.deepEqual([said['x-real-ip'], said['x-forwarded-for'], said['x-forwarded-prefix']], ['127.0.0.1', 'of the route', '/proxied']);
  const key = JSON.parse(stack.cli('apikeys', 'add', 'upstream', '--routes', 'keyed', '--json').stdout);
  const known = (await ask('/keyed/x', { headers: { 'X-Api-Key': key.key ?? key.token, X_Api_Key: 'k' } }));
  assert.equal(known.status, 200, JSON.stringify([known.json, Object.keys(key)]));
  assert.deepEqual([known.json.headers['x-api-key'], known.json.headers['x_api_key']], [undefined, undefined]);
});

test('a client that leaves ends the request to the server', async () => {
  const { hostname, port } = new URL(stack.url);
  const request = http.get({ hostname, port, path: '/echo/sse', agent: false });
  const res = await new Promise((done) => request.on('response', done));
  const left = new Promise((done) => servers.echo.sse.on('close', done));
  res.on('error', () => {});
  request.destroy();
  // it is noticed when something is sent
  const nudge = setInterval(() => servers.echo.sse.write('data: x\n\n'), 20);
  await left;
  clearInterval(nudge);
});

test('the only server that is well is asked again', async () => {
  await ask('/last/x');
  await until(() => servers.ill.checks > 1, 'the other is known to be ill');
  servers.once.hangs = true;
  const r = await ask('/last/x');
  assert.deepEqual([r.status, r.json?.name], [200, 'once']);
});

test('a server whose health check fails gets nothing until it passes', async () => {
  await ask('/checked/x');
  await until(() => servers.sick.checks > 1, 'it is asked for its health');
  for (let i = 0; i < 6; i++) assert.equal((await ask('/checked/x')).json.name, 'healthy');
  servers.sick.ok = true;
  await until(async () => (await ask('/checked/x')).json.name === 'sick', 'it is asked again');
});
