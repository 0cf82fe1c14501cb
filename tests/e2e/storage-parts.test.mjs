// Uploads in parts over HTTP: in any order, from several gateways, after one of them
// was killed; and what a stranger gets of them.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, startStack, until } from '../lib/stack.mjs';

const PART = 900000;
let dir, stack, anna, ben;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mpc-parts-'));
  mkdirSync(join(dir, 'cloudfunctions'));
  mkdirSync(join(dir, 'storage'));
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ envId: 'parts-env', functions: [] }));
  // CloudBase's own form of the rules
  writeFileSync(join(dir, 'storage/rules.json'), JSON.stringify(
    { read: "resource.openid == auth.openid || resource.path == 'public.txt'", write: 'resource.openid == auth.openid' }));
  stack = await startStack({ project: dir, gateways: 2, set: { 'storage.file_size': '8m', 'storage.reserve': 0, 'storage.user_quota': '6m' } });
  [anna, ben] = ['o-anna', 'o-ben'].map((o) => stack.token(o));
});
after(async () => {
  await stack?.stop();
  if (dir) rmSync(dir, { recursive: true });
});

const ask = async (method, path, body, token = anna) => {
  const r = await fetch(`${stack.url}${path}`, { method, headers: { authorization: `Bearer ${token}`, connection: 'close' },
    body: body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body) });
  const text = await r.text();
  return { status: r.status, text, body: text.startsWith('{') ? JSON.parse(text) : null };
};

test('parts that come in any order become the file, also after a gateway was killed', async () => {
  const bytes = randomBytes(4 * PART + 17), sha256 = createHash('sha256').update(bytes).digest('hex');
  const made = await ask('POST', '/v1/uploads', { path: 'videos/a b.mp4', size: bytes.length, type: 'video/mp4' });
  assert.equal(made.status, 201, made.text);
  const at = `/v1/uploads/${made.body.uploadId}`;
  const send = (n) => ask('PUT', `${at}?offset=${n * PART}`, bytes.subarray(n * PART, (n + 1) * PART));
  assert.deepEqual((await send(3)).body, { offset: 4 * PART, size: PART });
  assert.ok((await Promise.all([send(0), send(1)])).every((a) => a.status === 200));
  assert.equal((await ask('GET', at)).body.offset, 2 * PART);
  const early = await ask('POST', at, {});
  assert.equal(early.status, 400);
  assert.match(early.body.message, /parts do not fit/);

  for (const { pid } of stack.status().gateways) process.kill(pid, 'SIGKILL');
  const there = await until(async () => { try { return (await ask('GET', at)).body; } catch { return null; } }, 'a gateway answers');
  assert.deepEqual([there.offset, there.parts.map((p) => p.offset)], [2 * PART, [0, PART, 3 * PART]]);
  assert.ok((await Promise.all([send(2), send(4)])).every((a) => a.status === 200));
  assert.equal((await ask('POST', at, { sha256: '0'.repeat(64) })).status, 400);
  const whole = await ask('POST', at, { sha256 });
  assert.equal(whole.status, 201, whole.text);
  assert.deepEqual([whole.body.sha256, whole.body.size], [sha256, bytes.length]);
  assert.match(whole.body.fileID, /^cloud:\/\/[^./]+\.files\/videos\/a b\.mp4$/);
  const got = await fetch(`${stack.url}/v1/files/videos/a%20b.mp4`, { headers: { authorization: `Bearer ${anna}` } });
  assert.equal(got.headers.get('content-type'), 'video/mp4');
  assert.ok(bytes.equals(Buffer.from(await got.arrayBuffer())));
  assert.equal((await ask('GET', at)).status, 404);
  assert.deepEqual(readdirSync(join(stack.home, 'state/files/uploads')), []);
});

test("an upload is its beginner's, and ends when it is aborted", async () => {
  const { body: { uploadId } } = await ask('POST', '/v1/uploads', { path: 'mine' });
  const at = `/v1/uploads/${uploadId}`;
  for (const [method, path, body] of [['GET', at], ['PUT', `${at}?offset=0`, Buffer.from('x')], ['POST', at, {}], ['DELETE', at]])
    assert.equal((await ask(method, path, body, ben)).status, 404, method);
  assert.equal((await ask('PUT', at, Buffer.from('x'))).status, 400);
  assert.equal((await ask('PUT', `${at}?offset=9000000`, Buffer.from('x'))).status, 413);
  assert.equal((await ask('PUT', `${at}?offset=0`, Buffer.from('x'))).status, 200);
  assert.equal((await ask('DELETE', at)).status, 204);
  assert.equal((await ask('PUT', `${at}?offset=1`, Buffer.from('y'))).status, 404);
  assert.equal((await ask('POST', '/v1/uploads', { path: '../mine' })).status, 400);
  assert.equal((await ask('POST', '/v1/uploads', { path: 'mine', size: 9 << 20 })).status, 413);
  await until(() => readdirSync(join(stack.home, 'state/files/uploads')).length === 0, 'its part is gone');
});

test("parts count to their user's quota, also those that nobody completes", async () => {
  const cleo = stack.token('o-cleo'), bytes = randomBytes(PART);
  const begin = async (path) => (await ask('POST', '/v1/uploads', { path }, cleo)).body.uploadId;
  const send = (id, offset) => ask('PUT', `/v1/uploads/${id}?offset=${offset}`, bytes, cleo);
  const [one, other] = [await begin('cleo/1'), await begin('cleo/2')];
  for (const [id, offset] of [[one, 0], [one, 1], [one, 2], [one, PART], [other, 0], [other, 5], [one, 0]])
    assert.equal((await send(id, offset)).status, 200);
  for (const id of [one, other]) {
    const more = await send(id, 9);
    assert.deepEqual([more.status, more.body.code], [403, 'STORAGE_REQUEST_FAIL'], more.text);
  }
  assert.equal((await ask('DELETE', `/v1/uploads/${other}`, undefined, cleo)).status, 204);
  assert.equal((await send(one, 9)).status, 200);
  assert.equal((await ask('DELETE', `/v1/uploads/${one}`, undefined, cleo)).status, 204);
});

test('the storage rules of the project hold, and a bad file changes nothing', async () => {
  const put = (path, token) => fetch(`${stack.url}/v1/files/${path}`, { method: 'PUT', body: 'x', headers: { authorization: `Bearer ${token}` } });
  const get = async (path, token) => (await fetch(`${stack.url}/v1/files/${path}`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal((await put('public.txt', anna)).status, 201);
  assert.equal((await put('own.txt', anna)).status, 201);
  assert.deepEqual([await get('public.txt', ben), await get('own.txt', ben), await get('own.txt', anna)], [200, 403, 200]);
  assert.equal((await put('public.txt', ben)).status, 403);
  writeFileSync(join(stack.project, 'storage/rules.json'), JSON.stringify({ permission: 'READONLY', lifecycle: [{ prefix: 'tmp/', expire: 'soon' }] }));
  const bad = stack.cli('deploy', stack.project);
  assert.notEqual(bad.status, 0);
  assert.match(bad.stderr, /lifecycle\[0\]\.expire: a time as "30d"/);
  assert.equal(await get('own.txt', ben), 403);
  writeFileSync(join(stack.project, 'storage/rules.json'), JSON.stringify({ permission: 'READONLY', lifecycle: [{ prefix: 'tmp/', expire: '1d' }] }));
  const good = stack.cli('deploy', stack.project);
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stdout, /storage rules/);
  assert.equal(await get('own.txt', ben), 200);
});
