// Login, token check, orders and callbacks, each beside what one would write by
// hand (wechat-reference.cjs: Fastify, node:crypto, fetch, pg) against the same
// sandbox and the same PostgreSQL, and for what signs, beside `openssl speed`.
// Every request is another one, so a turn is a number of them, not a time.
//   BENCH_MONEY (2000): requests a turn

import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { source, startStack, until } from '../lib/stack.mjs';
import { compare, cpuSeconds, median, round, say, TURNS, wanted } from './measure.mjs';
import { askAll } from './listed.mjs';
import { freePort } from './references.mjs';

const COUNT = Number(process.env.BENCH_MONEY ?? 2000);

// RSA-2048 signatures and verifications a second of one core, by openssl.
function opensslSpeed() {
  const out = execFileSync('openssl', ['speed', '-seconds', '2', 'rsa2048'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [, sign, verify] = out.match(/rsa +2048 bits +\S+ +\S+ +([\d.]+) +([\d.]+)/);
  return { sign: Number(sign), verify: Number(verify) };
}

const post = async (url, body) => (await fetch(url, { method: 'POST',
  headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json();

async function many(n, make) {
  const all = [];
  for (let i = 0; i < n; i += 64)
    all.push(...await Promise.all(Array.from({ length: Math.min(64, n - i) }, (_, k) => make(i + k))));
  return all;
}

const ask = (path, body, headers = {}) => ({ path, headers, body: JSON.stringify(body) });

// One turn of listed requests; those of `side`.
async function listed(side) {
  const list = await side.list();
  const before = cpuSeconds(side.pids);
  const r = await askAll({ url: side.url, token: side.token, list });
  if (r.bad) throw new Error(`${side.name ?? 'ours'}: ${r.bad} of ${r.requests} answers were errors`);
  return { rate: r.requests / r.seconds, p50: r.p50, p99: r.p99, cpuUs: (cpuSeconds(side.pids) - before) * 1e6 / r.requests };
}

async function compareListed(name, ours, reference, budget, extra) {
  if (!wanted(name, 'wechat')) return;
  const a = [], b = [];
  for (let i = 0; i < TURNS; i++) {
    a.push(await listed(ours));
    b.push(await listed(reference));
  }
  const sum = (turns) => Object.fromEntries(['rate', 'p50', 'p99', 'cpuUs'].map((k) => [k, round(median(turns.map((t) => t[k])), 1)]));
  const us = sum(a), them = sum(b);
  const ratio = round(us.rate / them.rate);
  say({ scenario: name, ours: us, reference: { name: reference.name, ...them }, ratio, of: 'rate',
    cpuRatio: round(us.cpuUs / them.cpuUs), budget: `>= ${budget}`, met: ratio >= budget, ...extra?.(us) });
}

// A callback as WeChat Pay sends it, signed now.
function callback(keys, order, n) {
  const nonce = crypto.randomBytes(6).toString('hex');
  const seal = crypto.createCipheriv('aes-256-gcm', keys.apiv3, nonce);
  seal.setAAD(Buffer.from('transaction'));
  const plain = JSON.stringify({ appid: keys.appid, mchid: keys.mchid, out_trade_no: order, transaction_id: `42000${n}`,
    trade_type: 'JSAPI', trade_state: 'SUCCESS', trade_state_desc: '支付成功', bank_type: 'OTHERS', attach: '',
    success_time: new Date().toISOString().replace(/\.\d+Z/, '+00:00'), payer: { openid: keys.openid },
    amount: { total: 100, payer_total: 100, currency: 'CNY', payer_currency: 'CNY' } });
  const ciphertext = Buffer.concat([seal.update(plain), seal.final(), seal.getAuthTag()]).toString('base64');
  const body = { id: crypto.randomUUID(), create_time: '2026-11-20T10:00:00+08:00', resource_type: 'encrypt-resource',
    event_type: 'TRANSACTION.SUCCESS', summary: '支付成功',
    resource: { original_type: 'transaction', algorithm: 'AEAD_AES_256_GCM', ciphertext, associated_data: 'transaction', nonce } };
  const timestamp = String(Math.floor(Date.now() / 1000)), salt = crypto.randomBytes(16).toString('hex');
  const text = `${timestamp}\n${salt}\n${JSON.stringify(body)}\n`;
  return ask('/v1/pay/notify', body, { 'Wechatpay-Timestamp': timestamp, 'Wechatpay-Nonce': salt, 'Wechatpay-Serial': keys.publicKeyId,
    'Wechatpay-Signature': crypto.sign('RSA-SHA256', Buffer.from(text), keys.platform).toString('base64') });
}

async function startReference(settings) {
  const port = await freePort();
  const child = spawn(process.execPath, [join(source, 'tests/bench/wechat-reference.cjs')],
    { stdio: 'inherit', env: { ...process.env, NODE_ENV: 'production',
      REFERENCE: JSON.stringify({ ...settings, port, require: join(source, 'tests/package.json') }) } });
  await until(() => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false), 'the reference answers');
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop() { child.kill('SIGTERM'); } };
}

export async function wechat() {
  if (!wanted('wechat', 'login', 'token-check', 'order', 'pay-again', 'callback')) return;
  const stack = await startStack({ project: join(source, 'tests/bench/project'), gateways: 1,
    set: { 'pay.client_orders': 'yes' } });
  const stops = [() => stack.stop()];
  try {
    await scenarios(stack, stops);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function scenarios(stack, stops) {
  const socket = join(stack.run, 'pg');
  const sql = (text) => execFileSync('psql', ['-h', socket, '-U', 'mpcloud', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1', '-qAtc', text], { encoding: 'utf8' });
  sql('CREATE TABLE ref_users (uid text PRIMARY KEY, openid text UNIQUE, session_key text); CREATE TABLE ref_sessions (hash text PRIMARY KEY, uid text);'
    + 'CREATE TABLE ref_orders (no text PRIMARY KEY, total bigint, state text, body text, prepay_id text, transaction_id text);'
    + 'CREATE TABLE ref_inbox (id text PRIMARY KEY, resource jsonb, raw bytea)');
  const conf = (name) => stack.cliJson('config', 'show', name)[name] ?? Object.values(stack.cliJson('config', 'show', name))[0];
  const keyDir = join(conf('pay.private_key_file'), '..');
  const user = await stack.login();
  const openid = sql(`SELECT openid FROM mpcloud.users WHERE uid = '${user.uid}'`).trim();
  const keys = { appid: conf('wechat.appid'), mchid: conf('pay.mchid'), serial: conf('pay.serial'), publicKeyId: conf('pay.public_key_id'),
    apiv3: readFileSync(conf('pay.apiv3_key_file'), 'utf8').trim(), platform: crypto.createPrivateKey(readFileSync(join(keyDir, 'platform_key.pem'))), openid };
  const reference = await startReference({ socket, sandbox: stack.sandbox, openid, appid: keys.appid, mchid: keys.mchid, serial: keys.serial,
    publicKeyId: keys.publicKeyId, notifyUrl: 'https://shop.example.com/v1/pay/notify', secretFile: conf('wechat.secret_file'),
    apiv3KeyFile: conf('pay.apiv3_key_file'), privateKeyFile: conf('pay.private_key_file'), publicKeyFile: join(keyDir, 'pub_key.pem') });
  stops.push(() => reference.stop());
  const us = { url: stack.url, pids: [stack.pid] };
  const them = { name: 'Fastify + node:crypto + pg', url: reference.url, pids: [reference.pid] };
  let n = 0;
  const codes = async () => (await many(COUNT, () => post(`${stack.sandbox}/sandbox/code`, {}))).map(({ code }) => ask('/v1/login', { code }));
  await compareListed('login', { ...us, list: codes }, { ...them, list: codes }, 1.0);

  const { token } = await (await fetch(`${reference.url}/token`)).json();
  await compare({ name: 'token-check', group: 'wechat', ours: { ...us, path: '/v1/session', token: user.accessToken },
    reference: { ...them, path: '/v1/session', token }, budget: 1.5 });

  const speed = wanted('order', 'pay-again', 'callback', 'wechat') && opensslSpeed();
  const order = (no) => ask('/v1/pay/orders', { outTradeNo: no, total: 100, description: 'a bench' });
  const fresh = async () => Array.from({ length: COUNT }, () => order(`bench${++n}`));
  const signing = (each) => ({ cpuUs, rate }) => ({ openssl: { ...speed, signsEach: each, ofLimit: round(rate * each / speed.sign),
    beyondSigningUs: round(cpuUs - each * 1e6 / speed.sign, 1) } });
  await compareListed('order', { ...us, token: user.accessToken, list: fresh }, { ...them, list: fresh }, 1.0, signing(2));

  const again = async (url, bearer) => {
    const one = `again${++n}`;
    const first = await fetch(`${url}/v1/pay/orders`, { method: 'POST', headers: { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }) },
      body: order(one).body });
    if (!first.ok) throw new Error(await first.text());
    return async () => Array.from({ length: COUNT }, () => order(one));
  };
  if (wanted('pay-again', 'wechat'))
    await compareListed('pay-again', { ...us, token: user.accessToken, list: await again(us.url, user.accessToken) },
      { ...them, list: await again(them.url) }, 1.0, signing(1));

  // Orders that wait for their callback, put in as placing would leave them.
  const waiting = (insert) => async () => {
    const nos = Array.from({ length: COUNT }, () => `paid${++n}`);
    sql(insert(nos.map((no) => `('${no}')`).join(',')));
    return nos.map((no) => callback(keys, no, ++n));
  };
  const mine = waiting((values) => `INSERT INTO mpcloud.orders (mchid, out_trade_no, appid, openid, uid, description, total, state, prepay_id, prepay_at, body, created_at, updated_at, env)
    SELECT '${keys.mchid}', no, '${keys.appid}', '${openid}', '${user.uid}', 'a bench', 100, 'NOTPAY', 'wx1', 1, '{}', 1, 1, 'project' FROM (VALUES ${values}) v (no)`);
  const theirs = waiting((values) => `INSERT INTO ref_orders (no, total, state) SELECT no, 100, 'NOTPAY' FROM (VALUES ${values}) v (no)`);
  await compareListed('callback', { ...us, list: mine }, { ...them, list: theirs }, 1.0,
    ({ cpuUs }) => ({ openssl: { ...speed, verifiesEach: 1, beyondVerifyingUs: round(cpuUs - 1e6 / speed.verify, 1) } }));
}
