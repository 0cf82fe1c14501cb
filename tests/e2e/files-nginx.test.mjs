// Ranges and conditional requests, answered as nginx answers them: the same table
// of requests to nginx on a folder and to us on the same bytes, as stored files and
// as a static site, with the same dates.  What must agree: status, length, type,
// ranges, dates, and the body, byte for byte but for the boundary of several ranges,
// which each server makes up.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { freePort } from '../lib/port.mjs';
import { join, source, startStack, until } from '../lib/stack.mjs';

const lacksNginx = spawnSync('nginx', ['-v']).error ? 'nginx is not installed (Debian: nginx-light)' : false;
const FILES = { 'ten.txt': Buffer.from('0123456789'), 'one.txt': Buffer.from('x'), 'empty.txt': Buffer.alloc(0),
  'large.bin': Buffer.from(Array.from({ length: 300000 }, (_, i) => (i * 7 + (i >> 8)) & 255)) };

let dir, stack, nginx, port, token, when = {}, tags = { nginx: {}, files: {} };

// One request as written, the connection closed after it: {status, headers, body}.
function ask(to, path, method, headers, localAddress) {
  return new Promise((done, fail) => {
    const socket = connect({ port: to, host: '127.0.0.1', localAddress }), parts = [];
    socket.on('data', (d) => parts.push(d));
    socket.on('error', fail);
    socket.on('close', () => {
      const all = Buffer.concat(parts), end = all.indexOf('\r\n\r\n');
      const [line, ...lines] = all.subarray(0, end).toString('latin1').split('\r\n');
      done({ status: Number(line.split(' ')[1]), body: all.subarray(end + 4),
        headers: Object.fromEntries(lines.map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 1).trim()])) });
    });
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${headers.map((h) => `${h}\r\n`).join('')}\r\n`);
  });
}

before(async () => {
  if (lacksNginx) return;
  dir = mkdtempSync(join(tmpdir(), 'mpc-nginx-'));
  const project = join(dir, 'project'), root = join(dir, 'root');
  for (const d of [join(project, 'cloudfunctions'), root, join(dir, 'tmp')]) mkdirSync(d, { recursive: true });
  writeFileSync(join(project, 'cloudbaserc.json'), JSON.stringify({ envId: 'nginx', functions: [] }));
  stack = await startStack({ project, gateways: 1,
    set: { 'server.trusted_proxies': '127.0.0.1', 'storage.cache_control': 'public, max-age=60' } });
  token = stack.token('o-nginx');
  for (const [name, bytes] of Object.entries(FILES)) {
    const put = await fetch(`${stack.url}/v1/files/${name}`, { method: 'PUT', body: bytes,
      headers: { authorization: `Bearer ${token}`, 'content-type': name.endsWith('.txt') ? 'text/plain' : 'application/octet-stream' } });
    assert.equal(put.status, 201, await put.text());
    const head = await fetch(`${stack.url}/v1/files/${name}`, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } });
    when[name] = new Date(head.headers.get('last-modified'));
    tags.files[name] = head.headers.get('etag');
    writeFileSync(join(root, name), bytes);
    utimesSync(join(root, name), when[name], when[name]);
  }
  port = await freePort();
  writeFileSync(join(dir, 'nginx.conf'), `daemon off; master_process off; pid ${dir}/pid; error_log stderr; events {}
    http { types { text/plain txt; } default_type application/octet-stream; access_log off; charset off;
      client_body_temp_path ${dir}/tmp/a; proxy_temp_path ${dir}/tmp/b; fastcgi_temp_path ${dir}/tmp/c; uwsgi_temp_path ${dir}/tmp/d; scgi_temp_path ${dir}/tmp/e;
      server { listen 127.0.0.1:${port}; root ${root}; max_ranges 100; } }`);
  nginx = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', 'stderr'], { stdio: 'ignore' });
  await until(() => ask(port, '/ten.txt', 'HEAD', []).catch(() => null), 'nginx answers');
  for (const name of Object.keys(FILES)) tags.nginx[name] = (await ask(port, `/${name}`, 'HEAD', [])).headers.etag;
});
after(async () => {
  nginx?.kill();
  await stack?.stop();
  if (dir) rmSync(dir, { recursive: true });
});

const RANGES = ['bytes=0-0', 'bytes=0-4', 'bytes=5-', 'bytes=-3', 'bytes=9-9', 'bytes=9-100', 'bytes=10-', 'bytes=10-20', 'bytes=-0', 'bytes=-10', 'bytes=-11', 'bytes=0-',
  'bytes=4-2', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=0-4x', 'bytes = 0-4', 'Bytes=0-4', 'items=0-4', 'bytes=0-1,3-4', 'bytes=0-1, 3-4 , 8-9', 'bytes=0-1,20-30', 'bytes=20-30,40-50',
  'bytes=0-1,', 'bytes=,0-1', 'bytes=1-3,2-5', 'bytes=5-9,0-4', 'bytes=-2,0-1', 'bytes=0-99999999999999999999', 'bytes=99999999999999999999-', 'bytes=0-0,1-1,2-2,3-3,4-4,5-5',
  'bytes=0-4;q=1', 'bytes=+0-4', 'bytes=0--4', 'bytes=0-9,0-9', 'bytes=0-4,-0', 'bytes=\t0-4'];
const date = (name, s = 0) => new Date(when[name].getTime() + s * 1000).toUTCString();
// Of conditions: how the header reads for this file and this server's entity tag.
const CONDITIONS = [
  (t) => [`If-None-Match: ${t.tag}`], (t) => [`If-None-Match: W/${t.tag}`], () => ['If-None-Match: *'], () => ['If-None-Match: "x"'], (t) => [`If-None-Match: "x", ${t.tag} , "y"`],
  (t) => [`If-Match: ${t.tag}`], (t) => [`If-Match: W/${t.tag}`], () => ['If-Match: *'], () => ['If-Match: "x"'], (t) => [`If-Match: "x",${t.tag}`],
  (t) => [`If-Modified-Since: ${t.date(0)}`], (t) => [`If-Modified-Since: ${t.date(-1)}`], (t) => [`If-Modified-Since: ${t.date(1)}`], () => ['If-Modified-Since: yesterday'],
  (t) => [`If-Unmodified-Since: ${t.date(0)}`], (t) => [`If-Unmodified-Since: ${t.date(-1)}`], (t) => [`If-Unmodified-Since: ${t.date(1)}`], () => ['If-Unmodified-Since: never'],
  (t) => [`If-None-Match: "x"`, `If-Modified-Since: ${t.date(0)}`], (t) => [`If-None-Match: ${t.tag}`, `If-Modified-Since: ${t.date(-1)}`], (t) => [`If-None-Match: ${t.tag}`, `If-Modified-Since: ${t.date(0)}`],
  (t) => [`If-Match: ${t.tag}`, `If-Unmodified-Since: ${t.date(-1)}`], (t) => [`If-Match: "x"`, `If-Unmodified-Since: ${t.date(0)}`],
  (t) => ['Range: bytes=2-5', `If-Range: ${t.tag}`], () => ['Range: bytes=2-5', 'If-Range: "x"'], (t) => ['Range: bytes=2-5', `If-Range: W/${t.tag}`],
  (t) => ['Range: bytes=2-5', `If-Range: ${t.date(0)}`], (t) => ['Range: bytes=2-5', `If-Range: ${t.date(1)}`], (t) => ['Range: bytes=2-5', `If-Range: ${t.date(-1)}`], () => ['Range: bytes=2-5', 'If-Range: x'],
  (t) => ['Range: bytes=2-5', `If-None-Match: ${t.tag}`], (t) => ['Range: bytes=2-5', `If-Match: ${t.tag}`], () => ['Range: bytes=2-5', 'If-Match: "x"'], (t) => ['Range: bytes=20-', `If-Range: ${t.tag}`],
];

function table() {
  const rows = [];
  for (const name of Object.keys(FILES))
    for (const method of ['GET', 'HEAD']) {
      rows.push([method, name, () => []]);
      for (const range of name === 'ten.txt' || method === 'GET' ? RANGES : RANGES.slice(0, 6)) rows.push([method, name, () => [`Range: ${range}`]]);
    }
  for (const method of ['GET', 'HEAD'])
    for (const condition of CONDITIONS) rows.push([method, 'ten.txt', condition]);
  rows.push(['GET', 'large.bin', () => ['Range: bytes=0-65535,100000-200000,299990-']], ['GET', 'large.bin', () => ['Range: bytes=65530-65545']],
    ['GET', 'large.bin', () => [`Range: bytes=${Array.from({ length: 150 }, (_, i) => `${i * 10}-${i * 10 + 3}`).join()}`]]);
  return rows;
}

const NAMES = ['content-length', 'content-type', 'content-range', 'last-modified', 'accept-ranges'];

// What must agree; the boundary is written as B.
function essence({ status, headers, body }) {
  const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(headers['content-type'] ?? '')?.[1];
  const plain = (text) => (boundary ? text.replaceAll(boundary, 'B') : text);
  const isError = status >= 400;
  const shown = Object.fromEntries(NAMES.filter((n) => headers[n] !== undefined && (!isError || n === 'content-range')).map((n) => [n, plain(headers[n])]));
  // nginx says none; RFC 9110, 8.6, lets a 304 say what a 200 would.
  if (status === 304) delete shown['content-length'];
  if (boundary) shown['content-length'] = Number(headers['content-length']) - boundary.length * (plain(body.toString('latin1')).split('B').length - 1);
  return { status, ...shown, body: isError ? '' : plain(body.toString('latin1')) };
}

test('every answer agrees with nginx', { skip: lacksNginx }, async (t) => {
  const rows = table(), ours = Number(new URL(stack.url).port), wrong = [];
  for (const [method, name, headers] of rows) {
    const of = (tag) => headers({ tag, date: (s) => date(name, s) });
    const theirs = essence(await ask(port, `/${name}`, method, of(tags.nginx[name])));
    const mine = essence(await ask(ours, `/v1/files/${name}`, method, [`Authorization: Bearer ${token}`, ...of(tags.files[name])]));
    try {
      assert.deepEqual(mine, theirs);
    } catch (error) {
      wrong.push(`${method} ${name} ${of('TAG').join('; ')}: ${error.message.slice(0, 600)}`);
    }
  }
  t.diagnostic(`${rows.length} requests`);
  assert.ok(rows.length >= 80);
  assert.equal(wrong.length, 0, wrong.join('\n\n'));
});

test('the documents\' cache keeps files, each form of one by itself, and its visitors are known apart', { skip: lacksNginx }, async () => {
  const [, text] = /^nginx as the cache.*?```\n(.*?)```/ms.exec(readFileSync(join(source, 'docs/storage.md'), 'utf8'));
  const mine = await freePort(), at = join(dir, 'cache');
  const server = text.replace('/var/cache/nginx', at).replace('listen 443 ssl', `listen 127.0.0.1:${mine}`)
    .replace(/^ *ssl_certificate.*\n/gm, '').replace('127.0.0.1:8080', new URL(stack.url).host);
  const put = (body) => fetch(`${stack.url}/v1/files/kept/%E4%B8%AD%20%25%23%2B.txt`, { method: 'PUT', body, headers: { authorization: `Bearer ${token}` } });
  const file = '/kept/%E4%B8%AD%20%25%23%2B.txt';
  const rules = join(dir, 'project/storage');

  mkdirSync(rules, { recursive: true });
  writeFileSync(join(rules, 'rules.json'), '{"permission":"READONLY"}');
  assert.equal(stack.cli('deploy', join(dir, 'project')).status, 0);
  assert.equal((await put('old')).status, 201);
  writeFileSync(join(dir, 'cache.conf'), `daemon off; master_process off; pid ${dir}/pid2; error_log stderr; events {}
    http { access_log off; client_body_temp_path ${dir}/tmp/f; proxy_temp_path ${dir}/tmp/g; fastcgi_temp_path ${dir}/tmp/h;
      uwsgi_temp_path ${dir}/tmp/i; scgi_temp_path ${dir}/tmp/j; ${server} }`);
  const cache = spawn('nginx', ['-p', dir, '-c', join(dir, 'cache.conf'), '-e', 'stderr'], { stdio: 'ignore' });
  try {
    await until(() => ask(mine, '/nothing', 'HEAD', []).catch(() => null), 'nginx answers');
    assert.equal((await ask(mine, file, 'GET', [])).body.toString(), 'old');
    assert.equal((await put('new')).status, 200);
    assert.equal((await ask(mine, file, 'GET', [])).body.toString(), 'old', 'kept');
    assert.equal((await ask(mine, `${file}?thumb=10x10`, 'GET', [])).status, 400, 'a thumbnail of it is not it');
    await ask(mine, '/visitor', 'GET', [], '127.0.0.7');
    const line = await until(() => stack.daemonLog().split('\n').find((l) => l.includes('"/v1/files/visitor"')), 'the access line');
    assert.equal(JSON.parse(line).ip, '127.0.0.7');
  } finally {
    cache.kill();
  }
});
