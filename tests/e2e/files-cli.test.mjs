// `mpcloud files`, as an operator uses it; a CDN in front; a declared route to a file.
import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, startStack } from '../lib/stack.mjs';

const SECRET = 'origin-secret-of-the-test', CDN_KEY = 'DvYmqE81E1F9R791H6lmht';
let dir, stack;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mpc-files-'));
  mkdirSync(join(dir, 'cloudfunctions'));
  writeFileSync(join(dir, 'cloudbaserc.json'), JSON.stringify({ envId: 'x', functions: [] }));
  writeFileSync(join(dir, 'routes.json'), JSON.stringify({ routes: [{ path: '/logo.txt', to: { file: 'brand/logo.txt' } },
    { path: '/users/{id}/card', to: { file: 'cards/{id}.txt' } }] }));
  stack = await startStack({ project: dir, gateways: 1 });
});
after(async () => {
  await stack?.stop();
  if (dir) rmSync(dir, { recursive: true });
});

const cli = (...words) => stack.cli('files', ...words);
const fine = (...words) => {
  const r = cli(...words);
  assert.equal(r.status, 0, `${words.join(' ')}: ${r.stderr}`);
  return r.stdout;
};

test('files are put, shown, got, copied, moved, linked and removed', async () => {
  const bytes = randomBytes(3_000_000), here = join(dir, 'here.png'), back = join(dir, 'back.png');
  writeFileSync(here, bytes);
  assert.equal(fine('ls'), 'No file yet.\n');
  assert.match(fine('put', here, 'a/'), /^cloud:\/\/project\.files\/a\/here\.png {2}3000000 bytes\n$/);
  const piped = stack.cliWith({ input: bytes }, 'files', 'put', '-', 'b/piped.bin', '--cache', 'max-age=60', '--for', '2h');
  assert.equal(piped.status, 0, piped.stderr);
  const info = JSON.parse(fine('stat', 'b/piped.bin', '--json'));
  assert.deepEqual([info.size, info.sha256, info.cacheControl, info.expiresAt > Date.now() + 7_100_000],
    [3_000_000, createHash('sha256').update(bytes).digest('hex'), 'max-age=60', true]);
  assert.match(fine('stat', 'a/here.png'), /^type +image\/png$/m);
  assert.deepEqual(JSON.parse(fine('ls', '--json')).map((f) => [f.path, f.folder]), [['a/', true], ['b/', true]]);
  assert.deepEqual(JSON.parse(fine('ls', '--all', '--json')).map((f) => f.path), ['a/here.png', 'b/piped.bin']);
  fine('get', 'a/here.png', back);
  assert.ok(readFileSync(back).equals(bytes));
  fine('cp', 'a/here.png', 'c/é 1.png');
  assert.match(cli('cp', 'a/here.png', 'c/é 1.png').stderr, /there is a file at c\/é 1\.png already; --force replaces it/);
  assert.deepEqual([cli('cp', 'a/here.png', 'c/é 1.png').status, cli('put', here, 'a/here.png', '--new').status], [1, 1]);
  fine('cp', 'b/piped.bin', 'c/é 1.png', '--force', '--move');
  assert.equal(cli('stat', 'b/piped.bin').status, 1);
  assert.match(cli('cp', 'c/é 1.png', 'c/é 1.png', '--force').stderr, /FROM and TO are the same file/);
  assert.match(cli('link', 'nothing.png').stderr, /there is no such file/);
  assert.match(cli('link', 'c/é 1.png', '--for', '366d').stderr, /a year at most/);
  const link = fine('link', 'c/é 1.png', '--for', '60s').trim();
  assert.ok(Buffer.from(await (await fetch(link)).arrayBuffer()).equals(bytes));
  const up = fine('link', 'd/up.txt', '--upload').trim();
  assert.equal((await fetch(up, { method: 'PUT', body: 'up' })).status, 200);
  assert.equal(fine('get', 'd/up.txt', '-'), 'up');
  const usage = JSON.parse(fine('usage', '--json'));
  assert.deepEqual([usage.files, usage.bytes], [3, 6_000_002]);
  assert.equal(fine('rm', 'a/here.png', 'd/up.txt'), '2 files removed\n');
  const gone = cli('rm', 'a/here.png');
  assert.deepEqual([gone.status, gone.stdout], [1, '0 files removed\n']);
  assert.match(gone.stderr, /a\/here\.png: there is no such file/);
  assert.match(fine('sweep'), /^looked at 1 file and \d+ contents? older than an hour\nnothing was to be removed\n$/);
  assert.equal(cli('get', 'none.txt', join(dir, 'none')).status, 1);
  assert.equal(existsSync(join(dir, 'none.part')) || existsSync(join(dir, 'none')), false);
  assert.deepEqual([cli('put', dir).status, cli('link', 'x', '--for', '1').status, cli('put', '-').status], [2, 2, 2]);
});

test('a CDN fetches with its secret, and links lead to it with its own signature', async () => {
  const secret = join(stack.home, 'keys/origin'), key = join(stack.home, 'keys/cdn');
  const at = `${stack.url}/v1/files/cdn/a%20b.txt`;
  writeFileSync(join(dir, 'a.txt'), 'for the CDN');
  fine('put', join(dir, 'a.txt'), 'cdn/a b.txt', '--cache', 'public, max-age=600');
  assert.equal((await fetch(at, { headers: { 'x-origin-secret': SECRET } })).status, 403, 'no secret is set yet');
  for (const [path, text] of [[secret, SECRET], [key, CDN_KEY]]) {
    writeFileSync(path, `${text}\n`, { mode: 0o600 });
  }
  const conf = readFileSync(stack.config, 'utf8');
  writeFileSync(stack.config, `${conf}\n[storage]\norigin_secret_file = ${secret}\ncdn_key_file = ${key}\ncdn_url = https://img.example.com/\nlink_life = 1h\n`);
  const { uid, gid } = (await import('node:fs')).statSync(join(stack.home, 'keys/master.key'));
  for (const path of [secret, key]) (await import('node:fs')).chownSync(path, uid, gid);
  const reload = stack.cli('reload');
  assert.equal(reload.status, 0, reload.stderr);
  const got = await fetch(at, { headers: { 'x-origin-secret': SECRET } });
  assert.deepEqual([got.status, await got.text(), got.headers.get('cache-control')], [200, 'for the CDN', 'public, max-age=600']);
  assert.equal((await fetch(at, { headers: { 'x-origin-secret': `${SECRET}x` } })).status, 403);
  assert.equal((await fetch(at, { method: 'PUT', headers: { 'x-origin-secret': SECRET }, body: 'x' })).status, 403);
  const link = new URL(fine('link', 'cdn/a b.txt', '--for', '1h').trim());
  assert.equal(`${link.origin}${link.pathname}`, 'https://img.example.com/cdn/a%20b.txt');
  const t = link.searchParams.get('t');
  assert.ok(Math.abs(Number(t) - Date.now() / 1000) < 100, t);
  assert.equal(link.searchParams.get('sign'), createHash('md5').update(`${CDN_KEY}/cdn/a%20b.txt${t}`).digest('hex'));
});

test('a declared route answers with a stored file, whatever the rules say of it', async () => {
  for (const [path, text] of [['brand/logo.txt', 'the logo'], ['cards/7.txt', 'card 7']]) {
    writeFileSync(join(dir, 'one'), text);
    fine('put', join(dir, 'one'), path);
  }
  const got = await fetch(`${stack.url}/logo.txt`, { headers: { range: 'bytes=4-' } });
  assert.deepEqual([got.status, await got.text(), got.headers.get('content-type')], [206, 'logo', 'text/plain; charset=utf-8']);
  assert.equal((await fetch(`${stack.url}/logo.txt`, { headers: { 'if-none-match': got.headers.get('etag') } })).status, 304);
  assert.equal(await (await fetch(`${stack.url}/users/7/card`)).text(), 'card 7');
  for (const [id, status] of [['8', 404], ['%2e%2e', 404], ['..%2fbrand%2flogo', 400]]) assert.equal((await fetch(`${stack.url}/users/${id}/card`)).status, status, id);
  assert.equal((await fetch(`${stack.url}/v1/files/brand/logo.txt`)).status, 403);
});
