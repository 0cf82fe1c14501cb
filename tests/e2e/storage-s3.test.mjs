// Contents in an S3-compatible store that others wrote (npm's s3rver; it takes any
// signature of version 4, so npm's aws4 stands in front and checks them): what is put is what is got, what is removed is gone there, and a store
// that does not answer costs nothing but the answer.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { Clock, Db } from '../lib/pay.mjs';
import { build, join, lacksPackages, source, startStack, until } from '../lib/stack.mjs';

const client = join(source, 'tests/clients/s3rver-3.7.1'); // with aws4
const skip = lacksPackages('tests/clients/s3rver-3.7.1');
const SIZE = 5 << 20;
let dir, store, gate, port, stack, db, anna, mischief, refused = 0;
const clock = new Clock();

before(async () => {
  if (skip) return;
  dir = mkdtempSync(join(tmpdir(), 'mpc-s3-'));
  chmodSync(dir, 0o755);
  const S3rver = createRequire(join(client, 'package.json'))('s3rver');
  store = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: join(dir, 's3'),
    configureBuckets: [{ name: 'files', configs: [] }] });
  ({ port } = await gateBefore((await store.run()).port));
  mkdirSync(join(dir, 'project/cloudfunctions'), { recursive: true });
  writeFileSync(join(dir, 'project/cloudbaserc.json'), JSON.stringify({ envId: 's3-env', functions: [] }));
  stack = await startStack({ project: join(dir, 'project'), gateways: 1, env: { MPCLOUD_CLOCK_FILE: clock.file }, set: {
    'storage.s3_endpoint': `http://127.0.0.1:${port}`, 'storage.s3_bucket': 'files', 'storage.s3_prefix': 'mp/',
    'storage.s3_access_key': 'S3RVER', 'storage.s3_secret_key_file': secret('S3RVER') } });
  db = new Db(stack);
  anna = stack.token('o-anna');
});
after(async () => {
  await db?.end();
  await stack?.stop();
  gate?.close();
  gate?.closeAllConnections();
  await store?.close();
  clock.end();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

// Signs anew what was signed, and compares; the body's sum is in the signature.
function isSigned(from, body) {
  const aws4 = createRequire(join(client, 'package.json'))('aws4');
  const said = /^AWS4-HMAC-SHA256 Credential=S3RVER\/\d{8}\/us-east-1\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/
    .exec(from.headers.authorization ?? '');
  const names = said?.[1].split(';') ?? [];
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((n) => names.includes(n)) || names.some((n) => from.headers[n] === undefined)) return false;
  const headers = Object.fromEntries(names.map((n) => [n, from.headers[n]]));
  const { headers: { Authorization } } = aws4.sign({ method: from.method, path: from.url, service: 's3', region: 'us-east-1',
    host: from.headers.host, headers }, { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' });
  return Authorization.endsWith(`Signature=${said[2]}`) &&
    createHash('sha256').update(body).digest('hex') === from.headers['x-amz-content-sha256'];
}

async function gateBefore(behind) {
  gate = createServer(async (from, to) => {
    const parts = [];
    for await (const part of from) parts.push(part);
    const body = Buffer.concat(parts);
    if (!isSigned(from, body)) { refused++; to.writeHead(403); to.end(); return; }
    if (mischief) { mischief(from, to); return; }
    const on = request({ port: behind, host: '127.0.0.1', method: from.method, path: from.url, headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode, answer.headers);
      answer.pipe(to);
    });
    on.on('error', () => to.destroy());
    on.end(body);
  });
  await new Promise((done) => gate.listen(0, '127.0.0.1', done));
  return gate.address();
}

// As the daemon wants a secret: nobody else may read it.
function secret(text) {
  const path = join(dir, 'secret');
  writeFileSync(path, `${text}\n`);
  chmodSync(path, 0o600);
  // the user that gateways run as, when we are root
  if (process.getuid() === 0) spawnSync('chown', ['postgres', path]);
  return path;
}

const at = (path) => `${stack.url}/v1/files/${path}`;
const ask = (method, path, body) => fetch(at(path), { method, body, headers: { authorization: `Bearer ${anna}` } });
const sum = (bytes) => createHash('md5').update(bytes).digest('hex');
const objects = () => (existsSync(join(dir, 's3/files')) ? readdirSync(join(dir, 's3/files'), { recursive: true }) : [])
  .filter((n) => /[0-9a-f]{32}\._S3rver_object$/.test(n));
const local = () => readdirSync(join(stack.home, 'state/files/objects'), { recursive: true }).filter((n) => /[0-9a-f]{32}$/.test(n));

// The store is in this process: it must not stand still meanwhile.
const doctor = () => new Promise((done) => {
  execFile(join(build, 'mpcloud'), ['--config', stack.config, 'doctor'], { env: stack.env }, (_, stdout) => done(stdout));
});

test('doctor finds the store, and says when it refuses the key', { skip }, async () => {
  assert.match(await doctor(), /^ok +S3 store +http:\/\/127\.0\.0\.1:/m);
  mischief = (from, to) => { to.writeHead(403); to.end(); };
  assert.match(await doctor(), /^WRONG +S3 store .*refused the key: check storage\.s3_access_key/m);
  mischief = null;
});

test('a content is kept in the store, whole, and not on the disk', { skip }, async () => {
  for (const size of [0, 1, 70000, SIZE]) {
    const bytes = randomBytes(size);
    const made = await ask('PUT', `a/${size}`, bytes);
    assert.equal(made.status, 201, await made.text());
    const got = await ask('GET', `a/${size}`);
    assert.equal(got.status, 200);
    assert.equal(got.headers.get('etag'), `"${sum(bytes)}"`);
    assert.ok(bytes.equals(Buffer.from(await got.arrayBuffer())));
  }
  assert.equal(objects().length, 4);
  await until(() => local().length === 0, 'nothing is left on the disk');
  const [one] = await db.rows("SELECT content, md5, place FROM mpcloud.files WHERE path = 'a/70000'");
  assert.equal(one.place, 's3');
  assert.equal(sum(readFileSync(join(dir, 's3/files/mp', `${one.content}._S3rver_object`))), one.md5);
});

test('the store is one that checks signatures', { skip }, async () => {
  const forged = await fetch(`http://127.0.0.1:${port}/files/mp/forged`, { method: 'PUT', body: 'x', headers: {
    authorization: `AWS4-HMAC-SHA256 Credential=S3RVER/20261121/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
    'x-amz-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''), 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } });
  assert.deepEqual([forged.status, refused], [403, 1]);
  assert.equal(objects().length, 4);
});

test('a range of it is answered', { skip }, async () => {
  const whole = Buffer.from(await (await ask('GET', 'a/70000')).arrayBuffer());
  const got = await fetch(at('a/70000'), { headers: { authorization: `Bearer ${anna}`, range: 'bytes=100-65000' } });
  assert.equal(got.status, 206);
  assert.ok(whole.subarray(100, 65001).equals(Buffer.from(await got.arrayBuffer())));
});

test('what is replaced or removed goes from the store', { skip }, async () => {
  assert.equal((await ask('PUT', 'a/1', 'other')).status, 200);
  assert.equal(await (await ask('GET', 'a/1')).text(), 'other');
  await until(() => objects().length === 4, 'the replaced object is gone');
  assert.ok((await ask('DELETE', 'a/1')).ok);
  await until(() => objects().length === 3, 'the removed object is gone');
});

test('what a store gives that is not what was put there is no answer', { skip }, async () => {
  const bytes = randomBytes(70000), elsewhere = [];
  assert.equal((await ask('PUT', 'a/true', bytes)).status, 201);
  const other = createServer((from, to) => { elsewhere.push(from.headers); to.end(bytes); });
  await new Promise((done) => other.listen(0, '127.0.0.1', done));
  const answers = {
    'other bytes': (to) => to.end(randomBytes(70000)),
    'one bit': (to) => { const b = Buffer.from(bytes); b[69999] ^= 1; to.end(b); },
    'too few': (to) => to.end(bytes.subarray(1)),
    'a megabyte too many': (to) => to.end(Buffer.concat([bytes, Buffer.alloc(1 << 20)])),
    'a redirect': (to) => to.writeHead(307, { location: `http://127.0.0.1:${other.address().port}/files/x` }).end(),
    'a part of it': (to) => to.writeHead(206, { 'content-range': 'bytes 0-69999/70000' }).end(bytes),
    'words with 200': (to) => to.writeHead(200, { 'content-type': 'application/xml' }).end('<Error><Code>SlowDown</Code></Error>'),
    'no key': (to) => to.writeHead(403).end('<Error><StringToSign>AWS4 S3RVER</StringToSign></Error>'),
  };
  for (const [name, answer] of Object.entries(answers)) {
    mischief = (from, to) => answer(to);
    const got = await ask('GET', 'a/true'), text = await got.text();
    assert.ok(got.status >= 500, `${name}: ${got.status}`);
    assert.match(text, /S3 store/, name);
    assert.ok(!/S3RVER|AWS4/.test(text), text);
  }
  mischief = null;
  assert.deepEqual(elsewhere, []);
  other.close();
  assert.ok(bytes.equals(Buffer.from(await (await ask('GET', 'a/true')).arrayBuffer())));
  assert.ok(!stack.daemonLog().includes('S3RVER'), 'no key in the log');
});

test('no request of ours had a wrong signature', { skip }, () => assert.equal(refused, 1));

test('a store that does not answer is told, and leaves no file', { skip }, async () => {
  gate.close();
  gate.closeAllConnections();
  const made = await ask('PUT', 'b', 'bytes');
  assert.equal(made.status, 502, await made.text());
  assert.ok((await ask('GET', 'a/70000')).status >= 500);
  assert.equal(await db.value("SELECT count(*) FROM mpcloud.files WHERE path = 'b'"), '0');
  await until(() => local().length === 0, 'nothing is left on the disk');
});
