// Declared routes: which answers, what it changes, static sites beside nginx,
// and how a new routes.json takes the old one's place.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { freePort } from '../lib/port.mjs';
import { join, source, startStack, until } from '../lib/stack.mjs';

let stack, outside;
before(async () => {
  outside = mkdtempSync(join(tmpdir(), 'mpc-routes-'));
  chmodSync(outside, 0o755); // gateways run as another user
  mkdirSync(join(outside, 'www'));
  mkdirSync(join(outside, 'www', 'sub'));
  writeFileSync(join(outside, 'operator.json'), JSON.stringify({ routes: [
    { name: 'files', path: '/files/*', to: { static: join(outside, 'www') } },
  ] }));
  writeFileSync(join(outside, 'www', 'index.html'), '<p>top</p>\n');
  writeFileSync(join(outside, 'www', 'sub', 'index.html'), '<p>sub</p>\n');
  stack = await startStack({ project: join(source, 'tests/e2e/routes'), gateways: 2, tls: true,
    set: { 'server.routes': join(outside, 'operator.json'), 'server.web_origins': 'https://app.example.com' } });
});
after(async () => {
  await stack?.stop();
  rmSync(outside, { recursive: true, force: true });
});

// Without fetch's own ways: redirects, decoding, header folding.
function ask(url, path, { method = 'GET', headers = {}, body } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise((done, failed) => {
    const request = http.request({ hostname, port, path, method, headers, agent: false }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const bytes = Buffer.concat(parts);
        let json;
        try { json = JSON.parse(bytes); } catch { /* it is none */ }
        done({ status: answer.statusCode, headers: answer.headers, bytes, json, text: bytes.toString() });
      });
    });
    request.on('error', failed);
    request.end(body);
  });
}
const get = (path, options) => ask(stack.url, path, options);

test('parameters, prefixes, expressions and headers lead to the most specific route', async () => {
  const item = (await get('/api/items/a%20b?x=1')).json;
  assert.deepEqual(item.pathParameters, { id: 'a b' });
  assert.equal(item.path, '/api/items/a%20b');
  assert.deepEqual((await get('/api/other/x')).json.pathParameters, { '*': 'other/x' });
  assert.equal((await get('/api/other/x')).json.path, '/other/x');
  assert.equal((await get('/api/items/1', { method: 'DELETE' })).json.pathParameters['*'], 'items/1');
  assert.deepEqual((await get('/api/items/1', { headers: { 'X-Beta': '1' } })).json.user, { id: 1, password: 'p' });
  assert.deepEqual((await get('/n/42/hello')).json.pathParameters, { 1: '42', word: 'hello' });
  assert.equal((await get('/n/x/hello')).status, 404);
  assert.equal((await get('/where')).json.path, '/where');
  assert.ok((await get('/where', { headers: { Host: 'API.example.com:80' } })).json.user);
});

test('a method that no route takes is 405 with those that are', async () => {
  const { status, headers } = await get('/cors', { method: 'DELETE' });
  assert.equal(status, 405);
  assert.equal(headers.allow, 'GET, HEAD, POST');
});

test('auth: user asks for an access token', async () => {
  assert.equal((await get('/locked')).status, 401);
  const { status, json } = await get('/locked', { headers: { authorization: `Bearer ${stack.token('o-r')}` } });
  assert.equal(status, 200);
  assert.equal(json.path, '/locked');
});

test('path, query, headers and JSON fields of a request are changed', async () => {
  assert.equal((await get('/old/7%2F8')).status, 404); // two segments, as all others read it
  const { json: event } = await get('/old/7%20?x=1&secret=2&y=3', { method: 'POST',
    headers: { 'X-Drop': '1', 'content-type': 'application/json' },
    body: JSON.stringify({ a: [1], password: 'p', keep: true }) });
  assert.equal(event.path, '/new/7%20');
  assert.equal(event.headers['x-id'], '7 ');
  assert.equal('x-drop' in event.headers, false);
  assert.deepEqual(event.queryStringParameters, { x: '1', y: '3', id: '7 ' });
  assert.deepEqual(JSON.parse(event.body), { keep: true, meta: { from: '127.0.0.1' }, n: 1, b: { c: [1] } });
  assert.equal(event.headers['content-length'], String(event.body.length));
});

test('a capture with a line end never becomes a header', async () => {
  const { json } = await get('/old/a%0d%0aSet-Cookie:%20x');
  assert.equal('x-id' in json.headers, false);
  const { status, headers } = await get('/moved/a%0d%0aSet-Cookie:%20x');
  assert.equal(status, 301);
  assert.equal(headers['set-cookie'], undefined);
  assert.equal(headers.location, '/site/a%0D%0ASet-Cookie%3A%20x?from=%2Fmoved%2Fa%0D%0ASet-Cookie%3A%20x'
    .replaceAll('%2F', '/'));
});

test('status, headers and JSON fields of an answer are changed', async () => {
  const { status, headers, json } = await get('/answer?status=418');
  assert.equal(status, 200);
  assert.equal(headers['x-frame-options'], 'DENY');
  assert.equal(headers['x-inner'], undefined);
  assert.deepEqual(json.user, { uid: 1 });
});

test('answers that gain are compressed for who takes it', async () => {
  const plain = await get('/answer?n=500');
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.equal(plain.headers.vary, 'Accept-Encoding');
  for (const [accept, coding, open] of [['gzip', 'gzip', gunzipSync], ['gzip, br', 'br', brotliDecompressSync],
    ['br;q=0.1, gzip', 'gzip', gunzipSync], ['*', 'br', brotliDecompressSync]]) {
    const { headers, bytes } = await get('/answer?n=500', { headers: { 'accept-encoding': accept } });
    assert.equal(headers['content-encoding'], coding, accept);
    assert.equal(open(bytes).toString(), plain.text);
    assert.ok(bytes.length < plain.bytes.length / 2);
  }
  for (const accept of ['identity', 'gzip;q=0', 'deflate'])
    assert.equal((await get('/answer?n=500', { headers: { 'accept-encoding': accept } })).headers['content-encoding'], undefined);
  assert.equal((await get('/answer?n=1', { headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'], undefined);
});

test('the server\'s own large JSON answers are compressed, login answers never', async () => {
  const call = (n, accept) => get('/v1/functions/answer', { method: 'POST', body: JSON.stringify({ queryStringParameters: { n } }),
    headers: { authorization: `Bearer ${stack.token('o-r')}`, 'content-type': 'application/json', 'accept-encoding': accept } });
  const plain = await call('2000', 'identity'), small = await call('1', 'gzip'), large = await call('2000', 'gzip');
  assert.deepEqual([plain.headers['content-encoding'], plain.headers.vary], [undefined, 'Accept-Encoding']);
  assert.equal(small.headers['content-encoding'], undefined);
  assert.equal(large.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(large.bytes).toString(), plain.text);
});

test('a kept answer has a tag, and is not sent to who has it', async () => {
  const first = await get('/kept');
  assert.equal(first.headers['cache-control'], 'public, max-age=3600');
  assert.match(first.headers.etag, /^"[\w-]{16}"$/);
  const again = await get('/kept', { headers: { 'if-none-match': first.headers.etag } });
  assert.deepEqual([again.status, again.bytes.length, again.headers.etag], [304, 0, first.headers.etag]);
  assert.equal((await get('/kept?n=2', { headers: { 'if-none-match': first.headers.etag } })).status, 200);
  assert.equal((await get('/kept?etag="own"', { headers: { 'if-none-match': '"own"' } })).status, 304);
});

test('a route\'s own ceilings of body and time hold', async () => {
  assert.equal((await get('/timely')).status, 504);
  assert.equal((await get('/small', { method: 'POST', body: '0123456789' })).status, 200);
  assert.equal((await get('/small', { method: 'POST', body: '01234567890' })).status, 413);
});

test('CORS says who may read, to nobody else', async () => {
  const from = (origin, more = {}) => get('/cors', { headers: { origin }, ...more });
  const listed = await from('https://app.example.com');
  assert.equal(listed.headers['access-control-allow-origin'], 'https://app.example.com');
  assert.equal(listed.headers['access-control-allow-credentials'], 'true');
  assert.equal(listed.headers.vary, 'Origin');
  assert.equal((await from('https://a.example.org')).headers['access-control-allow-origin'], 'https://a.example.org');
  for (const origin of ['https://evil.net', 'https://app.example.com.evil.net', 'http://app.example.com', 'null',
    'https://example.org', 'https://evil.net/.example.org', 'https://x@.example.org'])
    assert.equal((await from(origin)).headers['access-control-allow-origin'], undefined, origin);
  const pre = await get('/cors', { method: 'OPTIONS', headers: { origin: 'https://app.example.com',
    'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a, content-type' } });
  assert.equal(pre.status, 204);
  assert.match(pre.headers['access-control-allow-methods'], /\bPOST\b/);
  assert.equal(pre.headers['access-control-allow-headers'], 'x-a, content-type');
  assert.equal(pre.headers['access-control-max-age'], '3600');
});

test('over TLS a page without it is not ours, whatever its name', async () => {
  const from = (origin, path) => new Promise((done, failed) => {
    const url = new URL(path, stack.tlsUrl);
    https.get(url, { agent: false, ca: stack.caPem, servername: 'localhost', headers: { Host: 'own.example', origin } },
      (answer) => { answer.resume(); done([answer.statusCode, answer.headers['access-control-allow-origin']]); }).on('error', failed);
  });
  assert.deepEqual(await from('https://own.example', '/cors'), [200, 'https://own.example']);
  assert.deepEqual(await from('http://own.example', '/cors'), [200, undefined]);
  assert.deepEqual(await from('https://own.example', '/v1/session'), [401, 'https://own.example']);
  assert.deepEqual(await from('http://own.example', '/v1/session'), [403, undefined]);
});

test('pages of origins that are not listed may not use the built-in paths', async () => {
  const login = (headers, method = 'POST') => get('/v1/login', { method, headers, body: method === 'POST' ? '{}' : undefined });
  const foreign = await login({ origin: 'https://evil.net' });
  assert.deepEqual([foreign.status, foreign.json.code], [403, 'INVALID_REQUEST_SOURCE']);
  assert.equal(foreign.headers['access-control-allow-origin'], undefined);
  const listed = await login({ origin: 'https://app.example.com' });
  assert.equal(listed.json.code, 'INVALID_PARAM');
  assert.equal(listed.headers['access-control-allow-origin'], 'https://app.example.com');
  assert.equal((await login({ origin: stack.url })).json.code, 'INVALID_PARAM'); // a page that we serve
  const pre = await login({ origin: 'https://app.example.com', 'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization' }, 'OPTIONS');
  assert.deepEqual([pre.status, pre.headers['access-control-allow-headers']], [204, 'authorization']);
});

test('redirects keep the rest of the path, and never leave the server by it', async () => {
  const { status, headers } = await get('/moved/docs/a%20b');
  assert.equal(status, 301);
  assert.equal(headers.location, '/site/docs/a%20b?from=/moved/docs/a%20b');
});

test('a static site: its pages, its own 404, its fallback, nothing hidden', async () => {
  const page = await get('/site/');
  assert.deepEqual([page.status, page.headers['content-type']], [200, 'text/html; charset=utf-8']);
  assert.match(page.text, /<title>site/);
  assert.equal(page.headers['cache-control'], 'public, max-age=60');
  assert.deepEqual([(await get('/site')).status, (await get('/site?x=1')).headers.location], [301, '/site/?x=1']);
  assert.equal((await get('/site/docs')).headers.location, '/site/docs/');
  assert.match((await get('/site/docs/')).text, /<title>docs/);
  assert.equal((await get('/site/style.css')).headers['content-type'], 'text/css; charset=utf-8');
  for (const path of ['/site/nothing', '/site/.secret', '/site/%2esecret', '/site/style.css/x', '/site/docs//index.html/']) {
    const none = await get(path);
    assert.equal(none.status, 404, path);
    assert.match(none.text, /nothing here/);
  }
  assert.match((await get('/app/deep/link')).text, /<title>app/);
  const head = await get('/site/style.css', { method: 'HEAD' });
  assert.deepEqual([head.status, head.bytes.length, head.headers['content-length']], [200, 0, '19']);
  assert.equal((await get('/site/', { method: 'POST' })).status, 405);
});

test('a stored file is served, also in parts', async () => {
  writeFileSync(join(stack.dir, 'a.png'), 'not really a picture');
  const put = stack.cli('files', 'put', join(stack.dir, 'a.png'), 'pics/7.png');
  assert.equal(put.status, 0, put.stderr);
  const { status, headers, text } = await get('/pictures/7');
  assert.deepEqual([status, text, headers['cache-control'], headers['content-type']],
    [200, 'not really a picture', 'public, max-age=3600', 'image/png']);
  const part = await get('/pictures/7', { headers: { range: 'bytes=4-9', 'if-range': headers.etag } });
  assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, 'really', 'bytes 4-9/20']);
  for (const path of ['/pictures/8', '/pictures/..%2f..%2fx', '/pictures/%00']) assert.ok([400, 404].includes((await get(path)).status), path);
});

test('no path leads out of a site', async () => {
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  const www = join(outside, 'www');
  symlinkSync('../secret.txt', join(www, 'link.txt'));
  symlinkSync('..', join(www, 'up'));
  symlinkSync('/etc', join(www, 'etc'));
  symlinkSync('index.html', join(www, 'inside.html'));
  for (const path of ['/files/../secret.txt', '/files/%2e%2e/secret.txt', '/files/..%2fsecret.txt', '/files/link.txt',
    '/files/up/secret.txt', '/files/etc/passwd', '/files//etc/passwd', '/files/%2fetc/passwd', '/files/..%5csecret.txt',
    '/files/sub/%2e%2e%2f%2e%2e%2fsecret.txt', '/files/./secret.txt', '/files/...//secret.txt', '/files/%00']) {
    const { status, text } = await get(path);
    assert.ok([400, 404].includes(status), `${path}: ${status}`);
    assert.doesNotMatch(text, /^secret$|root:/);
  }
  assert.equal((await get('/files/inside.html')).text, '<p>top</p>\n');
  execFileSync('mkfifo', [join(www, 'pipe')]);
  assert.equal((await get('/files/pipe')).status, 404);
});

test('what was compressed beside a file is sent to who takes it', async () => {
  const www = join(outside, 'www'), text = 'x'.repeat(3000);
  writeFileSync(join(www, 'app.js'), text);
  writeFileSync(join(www, 'app.js.gz'), gzipSync('from beside'));
  const { headers, bytes } = await get('/files/app.js', { headers: { 'accept-encoding': 'gzip' } });
  assert.deepEqual([headers['content-encoding'], headers.vary], ['gzip', 'Accept-Encoding']);
  assert.equal(gunzipSync(bytes).toString(), 'from beside');
  const br = await get('/files/app.js', { headers: { 'accept-encoding': 'br' } });
  assert.equal(br.headers['content-encoding'], 'br');
  assert.equal(brotliDecompressSync(br.bytes).toString(), text);
  assert.match(br.headers.etag, /^W\//);
  assert.equal((await get('/files/app.js')).text, text);
  writeFileSync(join(www, 'app.js'), 'changed');
  utimesSync(join(www, 'app.js'), Date.now() / 1000 + 5, Date.now() / 1000 + 5);
  assert.equal((await get('/files/app.js', { headers: { 'accept-encoding': 'gzip' } })).text, 'changed');
});

// nginx on the same files; null: it is not installed.
async function startNginx(root) {
  const port = await freePort();
  const conf = join(outside, 'nginx.conf');
  writeFileSync(conf, `daemon off; master_process off; pid ${outside}/nginx.pid; error_log ${outside}/nginx.err;
    events {} http { access_log off; types { application/octet-stream bin; } server { listen 127.0.0.1:${port};
    client_body_temp_path ${outside}/t1; proxy_temp_path ${outside}/t2; fastcgi_temp_path ${outside}/t3;
    uwsgi_temp_path ${outside}/t4; scgi_temp_path ${outside}/t5; location /files/ { alias ${root}/; } } }`);
  const child = spawn('nginx', ['-c', conf, '-p', outside, '-e', join(outside, 'nginx.err')], { stdio: 'ignore' });
  const failed = new Promise((done) => child.on('error', () => done(true)));
  const url = `http://127.0.0.1:${port}`;
  const up = await Promise.race([failed.then(() => false),
    until(() => ask(url, '/files/').then(() => true, () => false), 'nginx answers')]);
  return up ? { url, stop: () => child.kill() } : null;
}

test('ranges and conditions are answered as nginx answers them', async (t) => {
  const www = join(outside, 'www');
  const bytes = (n) => Buffer.from(Array.from({ length: n }, (_, i) => (i * 7 + (i >> 8)) & 255));
  const files = { 'ten.bin': bytes(10), 'some.bin': bytes(5000), 'empty.bin': bytes(0), 'large.bin': bytes(300000) };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(www, name), content);
    utimesSync(join(www, name), 784111777, 784111777);
  }
  const nginx = await startNginx(www);
  if (!nginx) return t.skip('nginx is not installed');
  t.after(nginx.stop);
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT', later = 'Sun, 06 Nov 1994 08:49:38 GMT', before = 'Sun, 06 Nov 1994 08:49:36 GMT';
  const ranges = ['bytes=0-0', 'bytes=0-4', 'bytes=5-', 'bytes=-3', 'bytes=-0', 'bytes=0-', 'bytes=9-9', 'bytes=10-',
    'bytes=10-20', 'bytes=5-100000000', 'bytes=-100000000', 'bytes=5-4', 'bytes=', 'bytes=a', 'bytes=1', 'bytes=-', 'lines=0-1',
    'bytes=0-1,3-4', 'bytes=0-1,3-4,-2', 'bytes= 0-1 , 3 - 4', 'bytes=0-1,', 'bytes=,0-1', 'bytes=0-1;3-4', 'bytes=0-3,2-5',
    'bytes=0-,0-', 'bytes=0-1,400000-', 'bytes=400000-,0-1', 'bytes=4999-5000', 'bytes=2999-3003', 'BYTES=0-1',
    'bytes=18446744073709551616-', 'bytes=0-18446744073709551616', 'bytes=299990-', 'bytes=0-0,299999-299999'];
  const cases = [{}, ...ranges.map((Range) => ({ Range })),
    ...[date, later, before, 'nonsense', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'].flatMap((d) => [
      { 'If-Modified-Since': d }, { 'If-Unmodified-Since': d }, { 'If-Range': d, Range: 'bytes=0-4' },
      { 'If-Modified-Since': d, Range: 'bytes=0-4' }, { 'If-Unmodified-Since': d, Range: 'bytes=0-4' }]),
    ...['ETAG', '"other"', '*', '"other", ETAG', 'ETAG, "other"', 'W/ETAG', '"other",W/ETAG', 'garbage', 'xETAG'].flatMap((e) => [
      { 'If-None-Match': e }, { 'If-Match': e }, { 'If-Range': e, Range: 'bytes=0-4' },
      { 'If-None-Match': e, 'If-Modified-Since': date }, { 'If-None-Match': e, 'If-Modified-Since': later },
      { 'If-Match': e, 'If-Unmodified-Since': date }, { 'If-Match': e, 'If-Unmodified-Since': before },
      { 'If-None-Match': e, Range: 'bytes=1-2' }, { 'If-None-Match': e, Range: 'bytes=400000-' }])];
  // nginx's quirk: If-Match with a weak tag that is the strong one behind "W/" fits there by its bytes only
  let compared = 0;
  for (const name of Object.keys(files)) {
    const tags = [];
    for (const url of [stack.url, nginx.url]) tags.push((await ask(url, `/files/${name}`)).headers.etag);
    for (const one of cases) {
      for (const method of ['GET', 'HEAD']) {
        const answers = [];
        for (const [i, url] of [stack.url, nginx.url].entries()) {
          const headers = Object.fromEntries(Object.entries(one).map(([k, v]) => [k, v.replace('ETAG', tags[i])]));
          const a = await ask(url, `/files/${name}`, { method, headers });
          const boundary = /boundary=(\d{20})$/.exec(a.headers['content-type'] ?? '')?.[1];
          const whole = a.status < 300;
          answers.push({ status: a.status, range: a.headers['content-range'],
            length: whole ? a.headers['content-length'] : undefined, multi: !!boundary,
            modified: whole ? a.headers['last-modified'] : undefined, accept: whole && a.status === 200 ? a.headers['accept-ranges'] : undefined,
            body: !whole ? '' : boundary ? a.bytes.toString('latin1').replaceAll(boundary, 'BOUNDARY') : a.bytes.toString('latin1') });
        }
        assert.deepEqual(answers[0], answers[1], `${method} ${name} ${JSON.stringify(one)}`);
        compared++;
      }
    }
  }
  assert.ok(compared > 800, `${compared} compared`);
});

const sites = () => readdirSync(join(stack.home, 'state', 'sites')).filter((n) => !n.startsWith('.')).sort();

test('a new site is there when deploy returns, and the old copy goes', async () => {
  const old = sites();
  assert.equal(old.length, 2);
  writeFileSync(join(stack.project, 'site', 'index.html'), '<title>second</title>');
  const r = stack.cli('deploy', stack.project);
  assert.equal(r.status, 0, r.stderr);
  assert.match(r.stdout, /17 routes, version 2 \(2 sites, \d+ copied\)/);
  for (let i = 0; i < 20; i++) assert.match((await get('/site/')).text, /second/);
  const fresh = sites();
  assert.equal(fresh.length, 2);
  assert.notDeepEqual(fresh, old);
});

const echo_versions = () => stack.cliJson('fn', 'versions', 'echo');

test('rules with a mistake keep everything from being deployed', async () => {
  const versions = echo_versions(), routes = stack.cliJson('route', 'list').version;
  mkdirSync(join(stack.project, 'database'));
  mkdirSync(join(stack.project, 'storage'));
  for (const [name, text, said] of [
    ['database/notes.json', '{"permission": "CUSTOM", "rules": {"read": "auth.openid = 1"}}', 'database/notes.json is wrong: nothing was deployed'],
    ['database/notes.json', '{"permission": "EVERYBODY"}', 'database/notes.json is wrong: nothing was deployed'],
    ['storage/rules.json', '{"read": "auth."}', 'storage/rules.json: '],
  ]) {
    // a good one before it
    writeFileSync(join(stack.project, 'database', 'able.json'), '{"permission": "PRIVATE"}');
    writeFileSync(join(stack.project, name), text);
    const r = stack.cli('deploy', stack.project);
    rmSync(join(stack.project, name));
    assert.equal(r.status, 1);
    assert.ok(r.stderr.includes(said), r.stderr);
    assert.ok(!r.stdout.includes('collection'), r.stdout);
    assert.deepEqual(echo_versions(), versions);
    assert.equal(stack.cliJson('route', 'list').version, routes);
    assert.doesNotMatch(stack.cli('db', 'collections').stdout, /able/);
  }
  assert.equal(stack.cli('deploy', stack.project).status, 0);
  assert.match(stack.cli('db', 'collections').stdout, /able/);
  rmSync(join(stack.project, 'database'), { recursive: true });
  rmSync(join(stack.project, 'storage'), { recursive: true });
});

test('a bad routes.json changes nothing and says where it is wrong', async () => {
  const file = join(stack.project, 'routes.json'), good = readFileSync(file, 'utf8');
  const versions = echo_versions();
  for (const [text, said] of [
    [good.replace('"auth": "user"', '"auht": "user"'), 'routes.json: routes[4]: "auht" is not known here; did you mean "auth"?'],
    [good.replace('"static": "app"', '"static": "gone"'), 'there is no folder'],
    [good.slice(0, -10), 'routes.json: '],
    [good.replace('/new/{id}', '/new/{di}'), 'routes[7].request.path: {di} is nothing that this route captures; there are {id}'],
    [good.replace('"routes": [', '"routes": [{"path": "/kept", "to": {"redirect": "/"}},'), 'can never answer: routes[0] has the same conditions'],
    // the daemon's own sockets are of this machine, too
    ['{"upstreams": {"own": {"servers": ["unix:/run/mpcloud/ops.sock"]}}, "routes": []}',
      'upstreams.own: servers[0]: "unix:/run/mpcloud/ops.sock": sockets of this machine are for the operator\'s routes'],
  ]) {
    writeFileSync(file, text);
    const r = stack.cli('deploy', stack.project);
    assert.equal(r.status, 1);
    assert.ok(r.stderr.includes(said), r.stderr);
    assert.deepEqual(echo_versions(), versions, 'no function was deployed');
    assert.equal((await get('/locked')).status, 401);
    assert.match((await get('/site/')).text, /second/);
  }
  writeFileSync(file, good);
  writeFileSync(join(outside, 'operator.json'), '{"routes": [{"path": "/x"}]}');
  const r = stack.cli('reload');
  assert.equal(r.status, 1);
  assert.match(r.stderr, /operator\.json: routes\[0\]: to: is missing/);
  assert.equal((await get('/files/')).text, '<p>top</p>\n');
});

test('route check, list and test say what a stranger wants to know', async () => {
  const file = join(stack.project, 'routes.json');
  assert.equal(stack.cli('route', 'check', file).stdout, `${file} is right: 17 routes\n`);
  writeFileSync(join(outside, 'bad.json'), '{"routes": [{"path": "/a", "to": {"funktion": "x"}}]}');
  // a project's may not name sockets of this machine, the operator's may
  const socket = '{"upstreams": {"a": {"servers": ["unix:/run/a.sock"]}}}', good = readFileSync(file, 'utf8');
  writeFileSync(file, socket);
  assert.match(stack.cli('route', 'check', file).stderr, /upstreams\.a: servers\[0\]: .* operator's routes/);
  writeFileSync(file, good);
  writeFileSync(join(outside, 'socket.json'), socket);
  assert.equal(stack.cli('route', 'check', join(outside, 'socket.json')).status, 0);
  const bad = stack.cli('route', 'check', join(outside, 'bad.json'));
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /bad\.json: routes\[0\]\.to: .*"function"/);
  const list = stack.cli('route', 'list').stdout;
  assert.match(list, /^ROUTE +METHODS +HOST +PATH +TO\n/);
  assert.match(list, /item +GET, PUT +any +\/api\/items\/\{id\} +function echo/);
  const say = (...words) => stack.cli('route', 'test', ...words).stdout;
  assert.match(stack.cli('route', 'test', 'GET', 'app').stderr, /"app": a path begins with a slash/);
  assert.match(say('GET', '/api/items/7?x=1'), /Route "item" answers:\n.*\n {4}\{id\} = "7"/);
  assert.match(say('GET', '/api/items/7'), /beta: it wants the header X-Beta: 1; the request has none/);
  assert.match(say('GET', '/api/items/7', '--header', 'X-Beta: 1'), /Route "beta" answers/);
  assert.match(say('POST', 'http://api.example.com/where'), /Route "host" answers/);
  assert.match(say('GET', '/v1/session'), /The server itself answers: \/v1\/session/);
  assert.match(say('GET', '/v1/login'), /405: the path is the server's own, and takes POST\./);
  assert.match(say('GET', '/nowhere'), /404: nothing answers there/);
  assert.match(say('DELETE', '/cors'), /405: the path fits, the method does not/);
});

test('mpcloud dev takes up what changes in routes.json and in a site', async (t) => {
  const dev = await startStack({ project: join(source, 'tests/e2e/routes'), gateways: 1, watch: true });
  t.after(() => dev.stop());
  const text = async (path) => (await ask(dev.url, path)).text;
  assert.match(await text('/site/'), /<title>site/);
  writeFileSync(join(dev.project, 'site', 'index.html'), '<title>edited</title>');
  await until(async () => /edited/.test(await text('/site/')), 'the edited page is served');
  const file = join(dev.project, 'routes.json'), good = readFileSync(file, 'utf8');
  writeFileSync(file, good.replace('"path": "/kept"', '"path": "/renamed"'));
  await until(async () => (await ask(dev.url, '/renamed')).status === 200, 'the new path answers');
  assert.equal((await ask(dev.url, '/kept')).status, 404);
  writeFileSync(file, '{');
  await until(() => dev.output.includes('what was deployed before goes on') ||
    dev.said.some((s) => s.failed === 'routes'), 'the author is told');
  assert.equal((await ask(dev.url, '/renamed')).status, 200);
  assert.ok(dev.said.some((s) => s.reloaded === 'routes'));
});
