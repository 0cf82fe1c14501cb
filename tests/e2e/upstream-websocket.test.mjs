// WebSockets of declared routes: npm's ws on both sides of us, plain and over
// TLS, and both ends byte by byte where they do what ws does not.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import test, { after, before } from 'node:test';

import { assertNobodyDied, join, lacksPackages, ordinaryUser, startStack, until } from '../lib/stack.mjs';

const skip = lacksPackages('tests');
const { default: WebSocket, WebSocketServer } = skip ? {} : await import('ws');
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='; // RFC 6455, 1.3
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;
const sha = (b) => createHash('sha256').update(b).digest('hex');

let stack, outside, echo, played;
const sockets = []; // of `echo`, the last first
const asked = []; // what `played` was sent, by connection: {text, socket}
const routesFile = () => join(outside, 'routes.json');

function routes(more = []) {
  const at = (port) => [`http://127.0.0.1:${port}`];
  const to = (upstream) => ({ upstream });
  return JSON.stringify({
    upstreams: {
      echo: { servers: at(echo.address().port) },
      few: { servers: at(echo.address().port), connections: 2 },
      idle: { servers: at(echo.address().port), idle: '300ms' },
      played: { servers: at(played.address().port), fails: 0, retries: 0 },
      socket: { servers: [`unix:${join(outside, 'app.sock')}`] },
    },
    routes: [
      ...['echo', 'few', 'idle', 'socket'].map((name) => ({ name, path: `/${name}/*`, to: to(name), breaker: false })),
      { name: 'played', path: '/played/*', to: to('played'), breaker: false,
        response: { headers: { set: { 'X-Route': 'played' } } } },
      { name: 'known', path: '/known/*', auth: 'user', to: to('echo') }, ...more,
    ],
  });
}

function listenWs(server) {
  const all = new WebSocketServer({ server, perMessageDeflate: { threshold: 100 }, handleProtocols: (set) => [...set].at(-1) });
  all.on('connection', (ws, req) => {
    sockets.unshift(ws);
    ws.headers = req.headers;
    ws.gone = new Promise((done) => ws.on('close', (code, reason) => done([code, String(reason)])));
    ws.on('error', () => {});
    ws.on('message', (data, binary) => {
      const text = binary ? '' : String(data);
      if (text.startsWith('close ')) ws.close(Number(text.slice(6)), 'as asked');
      else if (text.startsWith('large ')) ws.send(randomBytes(Number(text.slice(6))));
      else ws.send(data, { binary });
    });
    if (req.url.includes('hello')) ws.send('hello');
  });
}

before(async () => {
  outside = mkdtempSync(join(tmpdir(), 'mpc-tunnel-'));
  chmodSync(outside, 0o755);
  echo = http.createServer((req, res) => { res.writeHead(426, { 'x-plain': 'yes' }); res.end('upgrade'); });
  const local = http.createServer();
  if (!skip) {
    listenWs(echo);
    listenWs(local);
  }
  // its head is kept; what it says is the test's affair
  played = net.createServer({ allowHalfOpen: true }, (socket) => {
    const one = { text: '', socket };
    asked.push(one);
    socket.on('error', () => {});
    socket.on('data', (d) => {
      one.text += d.toString('latin1');
      if (one.answered || !one.text.includes('\r\n\r\n')) return;
      one.answered = true;
      socket.write({
        forged: SWITCH.replace(ACCEPT, 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='),
        none: SWITCH.replace(/Sec-[^\r]*\r\n/, ''),
        early: `${SWITCH}\x81\x05early`,
        hints: 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'
          + 'Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
      }[/\/played\/(\w+)/.exec(one.text)[1]] ?? SWITCH, 'latin1');
    });
  });
  const listening = (server, ...where) => new Promise((done) => server.listen(...where, done));
  await listening(echo, 0, '127.0.0.1');
  await listening(played, 0, '127.0.0.1');
  await listening(local, join(outside, 'app.sock'));
  chmodSync(join(outside, 'app.sock'), 0o777);
  writeFileSync(routesFile(), routes());
  stack = await startStack({ functions: [], tls: true, gateways: 1, owner: ordinaryUser(),
    set: { 'server.routes': routesFile(), 'sockets.user': 2 } });
  stack.local = local;
});

after(async () => {
  await stack?.stop();
  for (const server of [echo, stack?.local]) {
    server?.closeAllConnections();
    server?.close();
  }
  asked.forEach((a) => a.socket.destroy());
  played?.close();
  rmSync(outside, { recursive: true, force: true });
});

const address = (tls) => (tls ? stack.tlsUrl : stack.url).replace(/^http/, 'ws');

function open(path, { tls, protocols = [], ...options } = {}) {
  const ws = new WebSocket(`${address(tls)}${path}`, protocols, { ca: stack.caPem, ...options });
  ws.heard = [];
  ws.on('message', (data, binary) => ws.heard.push(binary ? data : String(data)));
  ws.gone = new Promise((done) => ws.on('close', (code, reason) => done([code, String(reason)])));
  return new Promise((done, fail) => {
    ws.on('error', fail);
    ws.on('unexpected-response', (_, res) => fail(Object.assign(new Error(String(res.statusCode)), { status: res.statusCode, headers: res.headers })));
    ws.on('open', () => done(ws));
  });
}

// A client that sends bytes; what comes back, and its end.
function raw(path, more = '', headers = '') {
  const { hostname, port } = new URL(stack.url);
  const c = { got: '', ended: false };
  c.socket = net.connect({ host: hostname, port, allowHalfOpen: true }, () => c.socket.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n`
    + `Sec-WebSocket-Key: ${KEY}\r\n${headers}\r\n${more}`, 'latin1'));
  c.socket.on('data', (d) => { c.got += d.toString('latin1'); });
  c.socket.on('end', () => { c.ended = true; });
  c.socket.on('error', () => { c.ended = true; });
  return c;
}
const last = () => asked.at(-1);
const body = (c) => c.got.slice(c.got.indexOf('\r\n\r\n') + 4);

for (const tls of [false, true])
  test(`messages of any length pass both ways, and each side hears why the other closed${tls ? ', over TLS' : ''}`, { skip }, async () => {
    for (const [path, perMessageDeflate] of [['/echo/x', true], ['/echo/x', false], ['/socket/x', true]]) {
      const ws = await open(path, { tls, perMessageDeflate, protocols: ['a', 'chat.v2'] });
      assert.equal(ws.protocol, 'chat.v2');
      assert.equal(ws.extensions.includes('permessage-deflate'), perMessageDeflate);
      assert.equal(sockets[0].headers['x-forwarded-for'], '127.0.0.1');
      assert.equal(sockets[0].headers['x-forwarded-proto'], tls ? 'https' : 'http');
      const long = randomBytes(3_000_000);
      ws.send('text');
      ws.send('x'.repeat(100_000));
      ws.send(long);
      await until(() => ws.heard.length === 3, 'three answers');
      assert.deepEqual([ws.heard[0], ws.heard[1].length, sha(ws.heard[2])], ['text', 100_000, sha(long)]);
      const pong = new Promise((done) => ws.on('pong', (d) => done(String(d))));
      ws.ping('are you there');
      assert.equal(await pong, 'are you there');
      ws.close(4001, 'enough');
      assert.deepEqual(await sockets[0].gone, [4001, 'enough']);
      assert.equal((await ws.gone)[0], 4001);
    }
    const ws = await open('/echo/x', { tls });
    ws.send('close 4002');
    assert.deepEqual(await ws.gone, [4002, 'as asked']);
  });

test('what comes with the handshake is not lost, on either side', { skip }, async () => {
  const ws = await open('/echo/hello');
  await until(() => ws.heard[0] === 'hello', 'what the server said at once');
  ws.terminate();
  assert.equal((await sockets[0].gone)[0], 1006);
  const c = raw('/played/early', '\x81\x80\x01\x02\x03\x04', 'X-Mine: v\r\n');
  await until(() => body(c) === '\x81\x05early', 'the server\'s first frame');
  await until(() => last().text.endsWith('\r\n\r\n\x81\x80\x01\x02\x03\x04'), 'the client\'s');
  assert.match(c.got, /^HTTP\/1\.1 101 /);
  assert.match(c.got, /\r\nX-Route: played\r\n/);
  assert.match(c.got, /\r\nUpgrade: websocket\r\n/i);
  assert.match(last().text, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  assert.match(last().text, /\r\nX-Mine: v\r\n/);
  c.socket.destroy();
  last().socket.destroy();
});

test('a side that has ended is still told the rest', async () => {
  for (const [from, to, say] of [
    [(c) => c.socket, () => last().socket, (c) => body(c)],
    [() => last().socket, (c) => c.socket, () => last().text.slice(last().text.indexOf('\r\n\r\n') + 4)],
  ]) {
    const c = raw('/played/x');
    await until(() => c.got.includes('\r\n\r\n'), 'it is open');
    const ended = new Promise((done) => to(c).on('end', done));
    from(c).end('\x81\x03bye', 'latin1');
    await ended;
    to(c).write('\x81\x04', 'latin1');
    to(c).end('rest', 'latin1');
    await until(() => say(c) === '\x81\x04rest', 'the rest');
    await until(() => from(c).readableEnded, 'the end');
    c.socket.destroy();
  }
});

test('who reads slowly slows down who sends', { skip }, async () => {
  const ws = await open('/echo/x', { perMessageDeflate: false });
  ws.pause();
  for (let i = 0; i < 40; i++) ws.send('large 1000000');
  // a socket takes some megabytes in all, and we as good as nothing
  await until(() => sockets[0].bufferedAmount > 10_000_000, 'the server cannot send on');
  let before;
  await until(() => { const was = before; before = sockets[0].bufferedAmount; return was === before; }, 'it stands');
  ws.resume();
  await until(() => ws.heard.length === 40, 'all of it');
  assert.ok(ws.heard.every((m) => m.length === 1_000_000));
  ws.close();
  await ws.gone;
});

test('an answer of another kind is an answer, and a 101 that answers something else is none', async () => {
  for (const path of ['/played/forged', '/played/none']) {
    const c = raw(path);
    await until(() => c.got.includes('\r\n\r\n'), path);
    assert.match(c.got, /^HTTP\/1\.1 502 /);
    c.socket.destroy();
  }
  // not asked for: 13 is the only version, and h2c is nothing that is passed on
  const { hostname, port } = new URL(stack.url);
  for (const [upgrade, version, status] of [['websocket', '8', 426], ['h2c', '13', 426]]) {
    const answer = await new Promise((done, fail) => {
      const r = http.get({ hostname, port, path: '/echo/x', headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: upgrade,
        'HTTP2-Settings': 'AAMAAABkAAQAAP__', 'Sec-WebSocket-Version': version, 'Sec-WebSocket-Key': KEY } }, done);
      r.on('error', fail);
      r.on('upgrade', () => fail(new Error('it was switched')));
    });
    assert.deepEqual([answer.statusCode, answer.headers['x-plain']], [status, 'yes']);
    answer.resume();
  }
});

test('interim answers and trailers of a server are passed over', async () => {
  const answer = await fetch(`${stack.url}/played/hints`);
  assert.deepEqual([answer.status, await answer.text()], [200, 'hello']);
  assert.equal(answer.headers.get('trailer'), null);
  assert.equal(answer.headers.get('link'), null);
});

test('a route that asks for a login asks for it here too, and a user has so many connections', { skip }, async () => {
  await assert.rejects(open('/known/x'), { status: 401 });
  const { accessToken } = await stack.login();
  const headers = { Authorization: `Bearer ${accessToken}` };
  const all = [await open('/known/x', { headers })];
  assert.ok(sockets[0].headers['x-mpcloud-uid']);
  assert.equal(sockets[0].headers.authorization, undefined);
  all.push(await open('/known/x', { headers }));
  await assert.rejects(open('/known/x', { headers }), { status: 429 });
  all[1].close();
  await all[1].gone;
  await until(() => open('/known/x', { headers }).then((ws) => all.push(ws), () => false), 'its place is free');
  // the end of his session is theirs
  const out = await fetch(`${stack.url}/v1/logout`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: '{}' });
  assert.equal(out.status, 200);
  assert.equal((await all[0].gone)[0], 3050);
  assert.equal((await all[2].gone)[0], 3050);
});

test('a server has as many as it may', { skip }, async () => {
  const all = [await open('/few/x'), await open('/few/x')];
  await assert.rejects(open('/few/x'), { status: 503 });
  all[0].close();
  await all[0].gone;
  await until(() => open('/few/x').then((ws) => all.push(ws), () => false), 'its place is free');
  all.forEach((ws) => ws.close());
});

test('one on which nobody speaks is closed, on both sides; one that speaks is not', { skip }, async () => {
  const [quiet, alive] = [await open('/idle/x'), await open('/idle/x')];
  const server = sockets[1];
  const pings = setInterval(() => alive.ping(), 50);
  assert.equal((await quiet.gone)[0], 1001);
  assert.equal((await server.gone)[0], 1001);
  assert.equal(alive.readyState, WebSocket.OPEN);
  clearInterval(pings);
  alive.close();
  await alive.gone;
});

test('a route that has gone closes its connections, and none else; also within a frame', { skip }, async () => {
  writeFileSync(routesFile(), routes([{ name: 'going', path: '/going/*', to: { upstream: 'echo' } },
    { name: 'going_played', path: '/going/played/*', to: { upstream: 'played' } }]));
  assert.equal(stack.cli('reload').status, 0);
  const [going, stays] = [await open('/going/x'), await open('/echo/x')];
  const server = sockets[1];
  const c = raw('/going/played/x');
  await until(() => c.got.includes('\r\n\r\n'), 'it is open');
  last().socket.write('\x81\x05he', 'latin1'); // the rest of the frame comes later
  await until(() => body(c) === '\x81\x05he', 'half a frame');
  writeFileSync(routesFile(), routes());
  assert.equal(stack.cli('reload').status, 0);
  assert.deepEqual(await going.gone, [1012, 'the route has changed']);
  assert.equal((await server.gone)[0], 1012);
  await until(() => last().text.includes('\x88'), 'the server is told');
  assert.equal(body(c), '\x81\x05he');
  last().socket.write('llo', 'latin1');
  await until(() => body(c) === '\x81\x05hello\x88\x17\x03\xf4the route has changed', 'the client is told after it');
  c.socket.destroy();
  stays.send('still');
  await until(() => stays.heard[0] === 'still', 'the other goes on');
  stays.close();
  await stays.gone;
  assertNobodyDied(stack);
});

test('a gateway that stops says so', { skip }, async () => {
  const [ws, secure] = [await open('/echo/x'), await open('/echo/x', { tls: true })];
  const servers = sockets.slice(0, 2);
  process.kill(stack.status().gateways[0].pid, 'SIGTERM');
  for (const [name, one] of Object.entries({ ws, secure, first: servers[0], second: servers[1] }))
    assert.equal((await one.gone)[0], 1012, name);
  await until(() => open('/echo/x').then((again) => { again.close(); return true; }, () => false), 'the next gateway answers');
});
