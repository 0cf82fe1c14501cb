// Custom login tickets for test_custom.c, made by others than us: createTicket of
// the two packages in tests/clients, and node:crypto for what must be refused.
//
//   node tests/unit/data/tickets.mjs > tests/unit/data/tickets.h
import { createHmac, generateKeyPairSync, sign, constants } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NOW = 1_780_000_000_000;
Date.now = () => NOW;
Date.prototype.getTime = () => NOW;
const clients = join(dirname(fileURLToPath(import.meta.url)), '../../clients');
const load = (folder, name) => createRequire(join(clients, folder, 'package.json'))(name);
const pair = (bits) => generateKeyPairSync('rsa', { modulusLength: bits,
  publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const key = pair(2048);
const other = pair(2048);
const credentials = { private_key_id: 'key-1', private_key: key.privateKey, env_id: 'env1' };

const b64 = (v) => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url');
const HEAD = { alg: 'RS256', typ: 'JWT' };
const BODY = { alg: 'RS256', env: 'env1', iat: NOW, exp: NOW + 600000, uid: 'user-1', refresh: 3600000,
  expire: NOW + 604800000 };
// A ticket of this header and body, text or object, signed in any way.
const made = (head, body, how = (text) => sign('sha256', text, key.privateKey)) => {
  const text = `${b64(head)}.${b64(body)}`;
  const signature = how(Buffer.from(text));
  return `key-1/@@/${text}.${Buffer.isBuffer(signature) ? signature.toString('base64url') : signature}`;
};
const good = made(HEAD, BODY);
const [, , tail] = good.split('.');
const flip = (text, at) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
// The same bytes with a bit set that encodes nothing.
const loose = (text) => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return text.slice(0, -1) + letters[letters.indexOf(text.at(-1)) + 1];
};
const with_ = (more) => made(HEAD, { ...BODY, ...more });
const without = (name) => { const body = { ...BODY }; delete body[name]; return made(HEAD, body); };
const text = JSON.stringify(BODY);

const rows = [
  ['ok', 'node-sdk', load('cloudbase-node-sdk-3.18.3', '@cloudbase/node-sdk').init({ env: 'env1', credentials })
    .auth().createTicket('user-1')],
  ['ok', 'node-sdk with an end', load('cloudbase-node-sdk-3.18.3', '@cloudbase/node-sdk').init({ env: 'env1', credentials })
    .auth().createTicket('user-1', { refresh: 7200000, expire: NOW + 604800000 })],
  ['ok', 'tcb-admin-node', (() => { const app = load('tcb-admin-node-1.23.0', 'tcb-admin-node');
    return app.init({ env: 'env1', credentials }).auth().createTicket('user-1'); })()],
  ['ok', 'node:crypto', good],
  ['ok', 'without typ', made({ alg: 'RS256' }, BODY)],
  ['ok', 'with kid', made({ ...HEAD, kid: 'key-1' }, BODY)],
  ['bad', 'alg none, no signature', made({ alg: 'none' }, BODY, () => '')],
  ['bad', 'alg none, a signature', made({ alg: 'none' }, BODY)],
  ['bad', 'alg None', made({ alg: 'None' }, BODY, () => '')],
  ['bad', 'HS256 with the public key as its secret', made({ alg: 'HS256', typ: 'JWT' }, BODY,
    (t) => createHmac('sha256', key.publicKey).update(t).digest())],
  ['bad', 'RS256 said, HMAC with the public key made', made(HEAD, BODY,
    (t) => createHmac('sha256', key.publicKey).update(t).digest())],
  ['bad', 'RS512', made({ alg: 'RS512', typ: 'JWT' }, BODY, (t) => sign('sha512', t, key.privateKey))],
  ['bad', 'RS256 said, SHA-1 made', made(HEAD, BODY, (t) => sign('sha1', t, key.privateKey))],
  ['bad', 'RS256 said, SHA-512 made', made(HEAD, BODY, (t) => sign('sha512', t, key.privateKey))],
  ['bad', 'PS256', made({ alg: 'PS256' }, BODY, (t) => sign('sha256', t,
    { key: key.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }))],
  ['bad', 'RS256 said, PSS made', made(HEAD, BODY, (t) => sign('sha256', t,
    { key: key.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }))],
  ['bad', 'lower case rs256', made({ alg: 'rs256' }, BODY)],
  ['bad', 'no alg', made({ typ: 'JWT' }, BODY)],
  ['bad', 'alg a number', made({ alg: 256 }, BODY)],
  ['bad', 'another key', made(HEAD, BODY, (t) => sign('sha256', t, other.privateKey))],
  ['bad', 'its own key in the header', made({ ...HEAD, jwk: { kty: 'RSA' } }, BODY,
    (t) => sign('sha256', t, other.privateKey))],
  ['bad', 'crit', made({ ...HEAD, crit: ['exp'] }, BODY)],
  ['bad', 'b64 false', made({ ...HEAD, b64: false, crit: ['b64'] }, BODY)],
  ['bad', 'x5u', made({ ...HEAD, x5u: 'https://example.com/key' }, BODY)],
  ['bad', 'jku', made({ ...HEAD, jku: 'https://example.com/keys' }, BODY)],
  ['bad', 'a truncated signature', good.slice(0, -4)],
  ['bad', 'a signature of no bytes', good.slice(0, good.length - tail.length)],
  ['bad', 'a longer signature', `${good}AAAA`],
  ['bad', 'a leading zero byte in the signature', made(HEAD, BODY,
    (t) => Buffer.concat([Buffer.alloc(1), sign('sha256', t, key.privateKey)]))],
  ['bad', 'a changed signature', flip(good, good.length - 20)],
  ['bad', 'a changed payload', flip(good, good.indexOf('.') + 10)],
  ['bad', 'another payload under the signature', good.replace(b64(BODY), b64({ ...BODY, uid: 'admin' }))],
  ['bad', 'four parts', `${good}.x`],
  ['bad', 'an empty fourth part', `${good}.`],
  ['bad', 'two parts', good.split('.').slice(0, 2).join('.')],
  ['bad', 'an empty header', good.replace(b64(HEAD), '')],
  ['bad', 'padded base64', `${good}==`],
  ['bad', 'plain base64', good.replace(tail, Buffer.from(tail, 'base64url').toString('base64').replace(/=+$/, ''))],
  ['bad', 'bits that encode nothing', loose(good)],
  ['bad', 'a space inside', `${good.slice(0, -9)} ${good.slice(-9)}`],
  ['bad', 'a line end after it', `${good}\n`],
  ['bad', 'a member twice', made(HEAD, text.replace('"uid":"user-1"', '"uid":"user-1","uid":"admin-1"'))],
  ['bad', 'alg twice', made('{"alg":"RS256","alg":"none"}', BODY)],
  ['bad', 'a payload that is no object', made(HEAD, '["RS256"]')],
  ['bad', 'a payload that is no JSON', made(HEAD, '{')],
  ['bad', 'text after the payload', made(HEAD, `${text}{}`)],
  ['bad', 'expired', with_({ iat: NOW - 700000, exp: NOW - 100000 })],
  ['bad', 'expires now', with_({ exp: NOW })],
  ['bad', 'exp in seconds', with_({ iat: NOW / 1000, exp: NOW / 1000 + 600 })],
  ['bad', 'exp a text', with_({ exp: String(NOW + 600000) })],
  ['bad', 'exp a fraction', with_({ exp: NOW + 600000.5 })],
  ['bad', 'exp a huge number', made(HEAD, text.replace(String(NOW + 600000), '1e400'))],
  ['bad', 'exp beyond 64 bits', made(HEAD, text.replace(String(NOW + 600000), '99999999999999999999'))],
  ['bad', 'exp negative', with_({ exp: -1 })],
  ['bad', 'exp null', with_({ exp: null })],
  ['bad', 'no exp', without('exp')],
  ['bad', 'no iat', without('iat')],
  ['bad', 'of the future', with_({ iat: NOW + 600000, exp: NOW + 1200000 })],
  ['bad', 'not before later', with_({ nbf: NOW + 600000 })],
  ['bad', 'good for two days', with_({ exp: NOW + 2 * 86400000 })],
  ['bad', 'a login that has ended', with_({ expire: NOW - 1 })],
  ['bad', 'a login that ends at a text', with_({ expire: 'never' })],
  ['bad', 'another env', with_({ env: 'env2' })],
  ['bad', 'no env', without('env')],
  ['bad', 'env a list', with_({ env: ['env1'] })],
  ['bad', 'another alg inside', with_({ alg: 'none' })],
  ['bad', 'no uid', without('uid')],
  ['bad', 'a short uid', with_({ uid: 'abc' })],
  ['bad', 'a long uid', with_({ uid: 'x'.repeat(33) })],
  ['bad', 'a uid with a space', with_({ uid: 'user 1' })],
  ['bad', 'a uid with a quote', with_({ uid: 'user"1' })],
  ['bad', 'a uid with a NUL', with_({ uid: 'user\u00001' })],
  ['bad', 'a uid that is a number', with_({ uid: 12345 })],
  ['bad', 'no key id', good.slice(good.indexOf('/@@/'))],
  ['bad', 'a key id with a slash', `a/b${good.slice(good.indexOf('/@@/'))}`],
  ['bad', 'no mark', good.replace('/@@/', '/')],
  ['bad', 'nothing', ''],
  ['bad', 'a code', '0a1b2c3d'],
];

const c = (s) => JSON.stringify(s).replace(/\\u0000/g, '\\0');
const lines = (s) => s.match(/[^\n]*\n?/g).filter(Boolean).map((l) => `\t${JSON.stringify(l)}`).join('\n');
const cut = (s) => (s.match(/.{1,64}/gs) ?? ['']).map((part) => `\t\t${c(part)}`).join('\n');
console.log(`/* Made by tickets.mjs; do not edit. */
#define TICKET_NOW ${NOW}LL
static const char ticket_public[] =
${lines(key.publicKey)};
static const char other_public[] =
${lines(other.publicKey)};
static const struct {
\tbool good;
\tconst char *what, *ticket;
} tickets[] = {
${rows.map(([how, what, ticket]) => `\t{${how === 'ok'}, ${c(what)},\n${cut(ticket)}},`).join('\n')}
};`);
