// Keys that sign access tokens: rotated under logged-in users, on one machine and
// on two, HS256 and ES256; the public ones as others read them; pairs for custom
// login.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { createPublicKey, createSign, verify } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, source, startStack } from '../lib/stack.mjs';

const project = join(source, 'tests/e2e/session-key');
const folder = mkdtempSync(join(tmpdir(), 'mpc-keys-'));
let one, two;

const setting = (stack, name) => new RegExp(`^${name} = (.*)$`, 'm').exec(readFileSync(stack.config, 'utf8'))[1];

before(async () => {
  one = await startStack({ project, gateways: 2 });
  two = await startStack({ project, gateways: 1, set: { 'database.url': setting(one, 'url'),
    'token.master_key_file': setting(one, 'master_key_file') } });
  copyKeys();
  assert.equal(reload(two).status, 0);
});
after(async () => {
  await two?.stop();
  await one?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const copyKeys = () => copyFileSync(setting(one, 'key_file'), setting(two, 'key_file'));
const reload = (stack) => stack.cli('reload');
const kidOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).kid;
const rotate = (...words) => {
  const r = one.cli('keys', 'rotate', ...words);
  assert.equal(r.status, 0, r.stderr);
  return r.stdout;
};

async function takes(stack, token) {
  const all = await Promise.all(Array.from({ length: 16 }, () => fetch(`${stack.url}/v1/session`,
    { headers: { authorization: `Bearer ${token}`, connection: 'close' } })));
  return [...new Set(all.map((a) => a.status))];
}
const set = async (stack) => (await fetch(`${stack.url}/.well-known/jwks.json`)).json();

test('a rotation logs nobody out, and new tokens are of the new key', async () => {
  const token = one.token('oOne');
  const before_ = one.cliJson('keys', 'list');
  assert.deepEqual(before_.map((k) => k.state), ['signs']);
  const said = rotate();
  assert.match(said, /^\w{16} \(HS256\) signs\. The key before it is kept: its last tokens end at 20/);
  const fresh = one.token('oOne');
  assert.notEqual(kidOf(fresh), kidOf(token));
  assert.deepEqual(await takes(one, token), [200]);
  assert.deepEqual(await takes(one, fresh), [200]);
  const keys = one.cliJson('keys', 'list');
  assert.deepEqual(keys.map((k) => [k.kid, k.state]), [[kidOf(fresh), 'signs'], [kidOf(token), 'verifies']]);
  assert.ok(keys[1].until > Date.now());
  const file = statSync(setting(one, 'key_file'));
  assert.equal(file.mode & 0o077, 0);
  assert.match(one.cli('keys', 'list').stdout, /^KID +ALGORITHM +STATE +UNTIL$/m);
});

test('with HS256 keys only nothing is public', async () => {
  const answer = await fetch(`${one.url}/.well-known/jwks.json`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^application\/json/);
  assert.match(answer.headers.get('cache-control'), /max-age/);
  assert.deepEqual(await answer.json(), { keys: [] });
});

test('two machines change to ES256 in the documented order and refuse no token at any step', async () => {
  copyKeys();
  assert.equal(reload(two).status, 0);
  const tokens = [];
  const check = async (step) => {
    for (const stack of [one, two]) tokens.push(stack.token('oTwo'));
    for (const stack of [one, two])
      for (const token of tokens) assert.deepEqual(await takes(stack, token), [200], step);
  };
  await check('before');
  assert.match(rotate('--stage', '--algorithm', 'ES256'), /is staged: known, and does not sign/);
  assert.notEqual(one.cli('keys', 'rotate', '--stage').status, 0);
  const kid = one.cliJson('keys', 'list').find((k) => k.state === 'staged').kid;
  await check('staged on one');
  copyKeys();
  assert.equal(reload(two).status, 0);
  await check('staged on both');
  assert.match(rotate(), /\(ES256\) signs, as it was staged for/);
  await check('signs on one');
  copyKeys();
  assert.equal(reload(two).status, 0);
  await check('signs on both');
  assert.deepEqual(tokens.slice(-2).map(kidOf), [kid, kid]);
});

test('others check tokens with the public set', async () => {
  const token = one.token('oThree');
  const { keys } = await set(one);
  assert.equal(keys.length, 1);
  assert.deepEqual(await set(two), { keys });
  const [jwk] = keys;
  assert.deepEqual([jwk.kid, jwk.alg, jwk.use, jwk.d], [kidOf(token), 'ES256', 'sig', undefined]);
  const [head, payload, signature] = token.split('.');
  const good = verify('sha256', Buffer.from(`${head}.${payload}`),
    { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
  assert.equal(good, true);
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  assert.equal(claims.iss, 'mpcloud');
  assert.ok(!JSON.stringify(claims).includes('oThree'), 'the openid is sealed');
});

test('a file that the daemon would not take is not written', () => {
  const was = readFileSync(setting(one, 'key_file'), 'utf8');
  const r = one.cli('keys', 'rotate', '--algorithm', 'RS256');
  assert.equal(r.status, 2);
  assert.match(r.stderr, /RS256: HS256 or ES256 is wanted/);
  assert.equal(readFileSync(setting(one, 'key_file'), 'utf8'), was);
});

test('a pair for custom login is printed once and only its public half is kept', async () => {
  const file = join(folder, 'tcb_custom_login.json');
  const made = one.cli('keys', 'custom', 'new', 'shop-1', '--output', file);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(statSync(file).mode & 0o077, 0);
  const pair = JSON.parse(readFileSync(file));
  assert.deepEqual(Object.keys(pair), ['private_key_id', 'private_key', 'env_id']);
  assert.equal(pair.private_key_id, 'shop-1');
  createSign('sha256').update('x').sign(pair.private_key);
  assert.match(one.cli('keys', 'custom', 'list').stdout, /^shop-1 +20\S+ \S+ +signs$/m);
  const again = one.cli('keys', 'custom', 'new', 'shop-1');
  assert.equal(again.status, 1);
  assert.doesNotMatch(again.stdout, /PRIVATE/);
  const printed = one.cli('keys', 'custom', 'new');
  assert.match(JSON.parse(printed.stdout).private_key, /BEGIN (RSA )?PRIVATE KEY/);
  assert.match(one.cli('keys', 'custom', 'retire', 'shop-1').stdout, /refused from now on/);
  assert.equal(one.cli('keys', 'custom', 'retire', 'shop-1').status, 1);
  assert.deepEqual(one.cliJson('keys', 'custom', 'list').map((k) => Boolean(k.retiredAt)).sort(), [false, true]);
  assert.doesNotMatch(one.daemonLog(), /PRIVATE KEY/);
});
