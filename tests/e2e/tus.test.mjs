// Uploads that go on after a lost connection, through the unmodified tus-js-client,
// and what the protocol asks for besides (https://tus.io/protocols/resumable-upload).
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, lacksPackages, source, startStack } from '../lib/stack.mjs';

const CLIENT = 'tests/clients/tus-js-client-4.3.1';
const skip = lacksPackages(CLIENT);
let dir, stack, anna, bert;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mpc-tus-'));
  mkdirSync(join(dir, 'cloudfunctions'));
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ envId: 'tus', functions: [] }));
  stack = await startStack({ project: dir, gateways: 2, set: { 'storage.file_size': '8m' } });
  [anna, bert] = ['o-anna', 'o-bert'].map((openid) => stack.token(openid));
});
after(async () => {
  await stack?.stop();
  if (dir) rmSync(dir, { recursive: true });
});

const b64 = (text) => Buffer.from(text).toString('base64');
const ask = (method, path, headers = {}, body, token = anna) => fetch(stack.url + path, { method, body,
  headers: { 'tus-resumable': '1.0.0', ...(token && { authorization: `Bearer ${token}` }), ...headers } });
const begin = async (path, length, token) => ask('POST', '/v1/tus', { 'upload-length': String(length), 'upload-metadata': `path ${b64(path)}` }, undefined, token);
const patch = (at, offset, bytes, token) => ask('PATCH', at, { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' }, bytes, token);
const get = async (path) => Buffer.from(await (await fetch(`${stack.url}/v1/files/${path}`, { headers: { authorization: `Bearer ${anna}` } })).arrayBuffer());
const sum = (bytes) => createHash('sha256').update(bytes).digest('hex');

test('tus-js-client uploads in pieces, is broken off, and goes on where it was', { skip }, async () => {
  const tus = createRequire(join(source, CLIENT, 'package.json'))('tus-js-client');
  const bytes = randomBytes(1_000_003), heard = [];
  const options = (more) => ({ endpoint: `${stack.url}/v1/tus`, chunkSize: 200_000, retryDelays: null, headers: { authorization: `Bearer ${anna}` },
    metadata: { path: 'tus/large.bin', filetype: 'image/png' }, ...more });
  const url = await new Promise((done, fail) => {
    const upload = new tus.Upload(bytes, options({ onError: fail, onSuccess: () => fail(new Error('too early')),
      onChunkComplete: (size, at) => { heard.push(at); if (at >= 400_000) upload.abort().then(() => done(upload.url)); } }));
    upload.start();
  });
  assert.deepEqual(heard, [200_000, 400_000]);
  await new Promise((done, fail) => {
    new tus.Upload(bytes, options({ uploadUrl: url, onError: fail, onSuccess: done, onChunkComplete: (size, at) => heard.push(at) })).start();
  });
  assert.deepEqual(heard.slice(2), [600_000, 800_000, 1_000_000, 1_000_003]);
  assert.equal(sum(await get('tus/large.bin')), sum(bytes));
});

test('the offset must be where the upload is, and is nobody else\'s', async () => {
  const made = await begin('tus/offset.txt', 10), at = made.headers.get('location');
  assert.equal(made.status, 201);
  assert.match(at, /^\/v1\/tus\/[0-9a-zA-Z]+$/);
  assert.equal((await patch(at, 0, 'hello')).status, 204);
  const head = await ask('HEAD', at);
  assert.deepEqual([head.status, head.headers.get('upload-offset'), head.headers.get('upload-length'), head.headers.get('cache-control')], [200, '5', '10', 'no-store']);
  for (const offset of [0, 4, 6]) assert.equal((await patch(at, offset, 'x')).status, 409, String(offset));
  assert.equal((await ask('PATCH', at, { 'upload-offset': '5', 'content-type': 'text/plain' }, 'x')).status, 400);
  for (const token of [bert, null]) {
    assert.equal((await patch(at, 5, 'evil!', token)).status, 404);
    assert.equal((await ask('HEAD', at, {}, undefined, token)).status, 404);
    assert.equal((await ask('DELETE', at, {}, undefined, token)).status, 404);
  }
  const last = await patch(at, 5, 'world');
  assert.deepEqual([last.status, last.headers.get('upload-offset')], [204, '10']);
  assert.equal(String(await get('tus/offset.txt')), 'helloworld');
});

test('an upload that is ended leaves nothing', async () => {
  const at = (await begin('tus/ended.txt', 10)).headers.get('location');
  assert.equal((await patch(at, 0, 'hello')).status, 204);
  assert.equal((await ask('DELETE', at)).status, 204);
  assert.equal((await ask('HEAD', at)).status, 404);
  assert.equal((await patch(at, 5, 'world')).status, 404);
});

// Clients take an offset at the end for success and forget their bytes.
test('the offset is at the end only when the file is there', async () => {
  const permit = (permission) => {
    mkdirSync(join(stack.project, 'storage'), { recursive: true });
    writeFileSync(join(stack.project, 'storage/rules.json'), JSON.stringify({ permission }));
    const r = stack.cli('deploy', stack.project);
    assert.equal(r.status, 0, r.stderr);
  };
  const at = (await begin('tus/late.txt', 10)).headers.get('location');
  assert.equal((await patch(at, 0, 'hello')).status, 204);
  permit('ADMINWRITE');
  assert.equal((await patch(at, 5, 'world')).status, 403);
  assert.equal((await ask('HEAD', at)).status, 403);
  permit('PRIVATE');
  const head = await ask('HEAD', at);
  assert.deepEqual([head.status, head.headers.get('upload-offset'), head.headers.get('upload-length')], [200, '10', '10']);
  assert.equal(String(await get('tus/late.txt')), 'helloworld');
});

test('what is spoken here is said, and what is not is refused', async () => {
  const told = await fetch(`${stack.url}/v1/tus`, { method: 'OPTIONS' });
  assert.deepEqual([told.status, told.headers.get('tus-version'), told.headers.get('tus-extension'), told.headers.get('tus-max-size')],
    [204, '1.0.0', 'creation,termination', String(8 << 20)]);
  const other = await ask('POST', '/v1/tus', { 'tus-resumable': '0.2.0', 'upload-length': '1' });
  assert.deepEqual([other.status, other.headers.get('tus-version')], [412, '1.0.0']);
  assert.equal((await begin('tus/long.bin', (8 << 20) + 1)).status, 413);
  assert.equal((await begin('../etc/passwd', 1)).status, 400);
  assert.equal((await ask('POST', '/v1/tus', { 'upload-metadata': `path ${b64('a')}` })).status, 400);
  const nowhere = await ask('POST', '/v1/tus', { 'upload-length': '5' });
  assert.equal(nowhere.status, 400);
  assert.match(await nowhere.text(), /Upload-Metadata: `path` \(or `filename`\) in base64 is needed/);
  const empty = await begin('tus/empty.bin', 0);
  assert.equal(empty.status, 201);
  assert.equal((await get('tus/empty.bin')).length, 0);
});
