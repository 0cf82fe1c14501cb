// The network of functions: node's clients and C reach, through the egress, the
// servers of this test on loopback where they are listed, and nothing else.

import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createNet } from 'node:net';
import { tmpdir } from 'node:os';
import { callFunction, join, source, startStack, until } from '../lib/stack.mjs';

let stack, token, dir, ca;
const at = {};
const servers = [];

function listen(name, server) {
  servers.push(server);
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => { at[name] = server.address().port; done(); });
  });
}

function certificate() {
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

function project() {
  const to = join(dir, 'project');
  cpSync(join(source, 'tests/e2e/egress'), to, { recursive: true });
  const node = { handler: 'index.main', runtime: 'Nodejs18.15', timeout: 20, memorySize: 256 };
  const ports = ['http', 'echo', 'silent', 'https'].map((n) => at[n]);
  const network = [...ports.map((p) => `127.0.0.1:${p}`), ...ports.map((p) => `localhost:${p}!private`),
    `127.0.0.1:${at.closed}`, 'nowhere.invalid'];
  const functions = [
    { name: 'out', ...node, mpcloud: { network } },
    { name: 'named', ...node, mpcloud: { network: ['localhost:80'] } },
    { name: 'shut', ...node },
    { name: 'native', handler: 'index.so', runtime: 'native', timeout: 10, memorySize: 64, mpcloud: { network } },
  ];
  writeFileSync(join(to, 'cloudbaserc.json'),
    JSON.stringify({ version: '2.0', envId: 'test', functionRoot: 'cloudfunctions', functions }));
  return to;
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mpc-egress-'));
  const pair = certificate();
  ca = pair.cert.toString();
  await listen('http', createHttp((q, a) => {
    let body = '';
    q.on('data', (d) => { body += d; });
    q.on('end', () => a.end(`${q.method} ${q.url} ${body.length}`));
  }));
  await listen('https', createSecureServer({ ...pair, allowHTTP1: true },
    (q, a) => { a.end(`secure ${q.httpVersion} ${q.url}`); }));
  await listen('echo', createNet({ allowHalfOpen: true }, (s) => { s.on('error', () => {}); s.pipe(s); }));
  await listen('silent', createNet(() => {}));
  await listen('other', createNet((s) => s.end('you should not be here')));
  const closed = createNet();
  await listen('closed', closed);
  await new Promise((done) => closed.close(done));
  stack = await startStack({ project: project(), gateways: 1 });
  token = stack.token('oEgressUser0123456789abcd');
});

after(async () => {
  await stack?.stop();
  for (const server of servers) { server.closeAllConnections?.(); server.close(); }
  rmSync(dir, { recursive: true, force: true });
});

const call = async (name, event) => (await callFunction(stack, name, event, token)).body;
const out = (how, more = {}) => call('out', { how, ...more });
const log = (name) => stack.cli('logs', name).stdout;

test('http, keep-alive agents and bodies go through', async () => {
  const big = 'x'.repeat(300000);
  assert.deepEqual(await out('http', { host: 'localhost', port: at.http, body: big }),
    { status: 200, text: 'POST /x 300000', remote: '127.0.0.1' });
  assert.deepEqual(await out('agent', { host: '127.0.0.1', port: at.http }), ['GET /1 0', 'GET /2 0', 'GET /3 0']);
});

test('fetch goes through', async () => {
  assert.deepEqual(await out('fetch', { url: `http://localhost:${at.http}/f` }), { status: 200, text: 'GET /f 0' });
  assert.deepEqual(await out('fetch', { url: `http://127.0.0.1:${at.http}/f`, body: 'tea' }),
    { status: 200, text: 'POST /f 3' });
});

test('TLS is between the function and the far side', async () => {
  const options = { host: 'localhost', port: at.https, ca };
  assert.deepEqual(await out('https', options), { status: 200, text: 'secure 1.1 /x', remote: '127.0.0.1' });
  assert.deepEqual(await out('tls', options), { authorized: true, remote: '127.0.0.1', protocol: 'TLSv1.3' });
  assert.equal(await out('http2', { url: `https://localhost:${at.https}`, ca }), 'secure 2.0 /two');
  assert.equal((await out('badTls', options)).error.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
});

test('a socket behaves as one that was connected directly', async () => {
  const size = 4 << 20;
  assert.deepEqual(await out('net', { host: 'localhost', port: at.echo, size }), {
    bytes: size, events: [true, 'lookup', 'connect', 'ready', 'end', 'close'], remote: ['127.0.0.1', at.echo, 'IPv4'] });
  assert.equal(await out('many', { host: '127.0.0.1', port: at.echo, count: 200 }), 'a'.repeat(200));
  assert.equal(await out('timeout', { host: '127.0.0.1', port: at.silent }), 'timeout');
  assert.equal(await out('destroy', { host: '127.0.0.1', port: at.echo }), 'closed');
  assert.equal(await out('esm', { host: '127.0.0.1', port: at.echo }), 'connected');
  assert.equal(await out('thread', { host: '127.0.0.1', port: at.echo }), 'connected');
  assert.equal(await out('ownLookup', { host: 'somewhere.example', port: at.echo }), 'connected');
});

test('errors are the ones that node has for them', async () => {
  const error = async (how, more) => (await out(how, more)).error;
  assert.deepEqual(await error('net', { host: '127.0.0.1', port: at.closed, size: 1 }),
    { code: 'ECONNREFUSED', message: `connect ECONNREFUSED 127.0.0.1:${at.closed}`, syscall: 'connect' });
  assert.deepEqual(await error('http', { host: 'nowhere.invalid', port: 80 }),
    { code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND nowhere.invalid', syscall: 'getaddrinfo' });
  assert.equal((await error('fetch', { url: `http://127.0.0.1:${at.closed}/` })).code, 'ECONNREFUSED');
  const refused = await error('net', { host: '127.0.0.1', port: at.other, size: 1 });
  assert.equal(refused.code, 'EACCES');
  assert.equal(refused.message, `connect EACCES 127.0.0.1:${at.other}: not allowed by this function's setting `
    + '"network"; its log says more');
});

test('what is refused is a line in the function\'s own log', async () => {
  await out('net', { host: '10.9.8.7', port: 5432, size: 1 });
  await call('named', { how: 'http', host: 'localhost', port: 80 });
  await until(() => log('out').includes('network: 10.9.8.7:5432 is a private address: list it in "network" '
    + '(cloudbaserc.json, the function\'s "mpcloud")'), 'the author is told');
  await until(() => log('named').includes('network: localhost:80 is 127.0.0.1, a loopback address: list '
    + '"localhost:80!private" in "network"'), 'the author is told of the name');
});

test('names are looked up outside, addresses only', async () => {
  assert.deepEqual(await out('lookup', { host: 'localhost', options: { family: 4 } }), { address: '127.0.0.1', family: 4 });
  assert.deepEqual(await out('lookupOld', { host: '127.0.0.1' }), [{ address: '127.0.0.1', family: 4 }]);
  assert.deepEqual(await out('resolve4', { host: 'localhost' }), ['127.0.0.1']);
  assert.equal((await out('lookup', { host: 'nowhere.invalid' })).error.code, 'ENOTFOUND');
  assert.equal((await out('lookup', { host: 'unlisted.example' })).error.code, 'EACCES');
  // Its length would be that of the eleven letters before, which are not listed.
  assert.equal((await out('lookup', { host: `${'a.'.repeat(130)}invalid` })).error.code, 'ENOTFOUND');
  assert.equal((await out('txt', { host: 'localhost' })).error.code, 'ENOTIMP');
  assert.deepEqual(await out('interfaces'), {});
});

test('programs that a function starts have the socket and no other network', async () => {
  assert.equal(await out('variable'), '/run/egress.sock');
  assert.equal(await out('curl', { url: `http://localhost:${at.http}/c` }), 'GET /c 0');
  assert.notEqual(await out('direct', { url: `http://127.0.0.1:${at.http}/c` }), 'GET /c 0');
});

test('without the setting there is nothing, and it is said', async () => {
  assert.equal(await call('shut', { how: 'variable' }), null);
  const { error } = await call('shut', { how: 'fetch', url: `http://127.0.0.1:${at.http}/` });
  assert.equal(error.code, 'EACCES');
  assert.match(error.message, /this function has no network; set "network" in cloudbaserc\.json/);
  assert.match((await call('shut', { how: 'lookup', host: 'a.example' })).error.message, /has no network/);
});

test('a native function has mpc_connect', async () => {
  assert.equal(await call('native', { host: 'localhost', port: at.echo }), 'tea\n');
  const refused = await call('native', { host: '10.1.1.1', port: 80 });
  assert.match(refused.message, /10\.1\.1\.1:80: not allowed by this function's setting "network"/);
  assert.match((await call('native', { host: '127.0.0.1', port: at.closed })).message, /127\.0\.0\.1:\d+: connection refused/);
});
