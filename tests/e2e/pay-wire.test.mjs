// What the daemon puts on the wire to WeChat Pay, looked at by node:crypto from
// the documented strings alone: a merchant API is played here, which records
// every request as it came, verifies it, and signs its answers itself.  None of
// our own code checks our own code.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createCipheriv, createHash, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Db, pay, project, untilState } from '../lib/pay.mjs';
import { build, join, ordinaryUser, source, startStack, until } from '../lib/stack.mjs';

const { keys } = JSON.parse(readFileSync(join(source, 'tests/unit/data/wechat-vectors-own.json'), 'utf8'));
const merchant = createPublicKey(keys.merchant_private_key);
const platform = {
  [keys.platform_serial]: keys.platform_private_key,
  [keys.wechatpay_pubkey_id]: keys.wechatpay_pubkey_private,
};
const day = '2026-11-20';
const bill = '\ufeff交易时间,公众账号ID,商户号\r\n`2026-11-20 10:00:00,`wx1,`1900000109\r\n总交易单数,应结订单总金额\r\n`0,`0.00\r\n';

// docs "request signing": five lines, each ended by a newline.
function check(request) {
  const { method, url, headers, body } = request;
  const [, scheme, rest] = /^(\S+) (.*)$/.exec(headers.authorization ?? '') ?? [];
  assert.equal(scheme, 'WECHATPAY2-SHA256-RSA2048');
  const fields = Object.fromEntries(rest.split(',').map((f) => /^(\w+)="([^"]*)"$/.exec(f).slice(1)));
  assert.deepEqual(Object.keys(fields).sort(), ['mchid', 'nonce_str', 'serial_no', 'signature', 'timestamp']);
  assert.equal(fields.mchid, keys.mchid);
  assert.equal(fields.serial_no, keys.merchant_serial);
  assert.match(fields.nonce_str, /^[0-9A-Za-z]{16,32}$/);
  assert.match(fields.timestamp, /^\d{10}$/);
  assert.ok(Math.abs(Date.now() / 1000 - Number(fields.timestamp)) < 60);
  const text = Buffer.concat([Buffer.from(`${method}\n${url}\n${fields.timestamp}\n${fields.nonce_str}\n`), body, Buffer.from('\n')]);
  assert.ok(verify('RSA-SHA256', text, merchant, Buffer.from(fields.signature, 'base64')), `${method} ${url}: wrong signature`);
  assert.ok(headers['user-agent']);
  assert.ok(headers.accept);
  if (method === 'POST') assert.match(headers['content-type'], /^application\/json/);
  else assert.equal(body.length, 0);
  return fields.nonce_str;
}

// docs "response verification": three lines.
function signed(serial, body) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomBytes(16).toString('hex');
  const text = Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`), Buffer.from(body), Buffer.from('\n')]);
  return { 'Wechatpay-Timestamp': timestamp, 'Wechatpay-Nonce': nonce, 'Wechatpay-Serial': serial,
    'Wechatpay-Signature': sign('RSA-SHA256', text, platform[serial]).toString('base64'),
    'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048', 'Request-ID': `08${randomBytes(8).toString('hex')}-0` };
}

// AEAD_AES_256_GCM: the tag behind the text.
function sealed(plain, aad) {
  const nonce = randomBytes(6).toString('hex');
  const cipher = createCipheriv('aes-256-gcm', keys.api_v3_key, nonce).setAAD(Buffer.from(aad));
  const ciphertext = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
  return { algorithm: 'AEAD_AES_256_GCM', nonce, associated_data: aad, ciphertext };
}

const requests = [];
const nonces = new Set();
const bad = [];
const orders = new Map();
const refunds = new Map();
let server, base, stack, db, token, keyFolder;
// With which key the answers are signed; undefined: as the request asks.
let signWith;

const transaction = (o) => ({ appid: o.appid, mchid: o.mchid, out_trade_no: o.out_trade_no, trade_state: o.state, trade_state_desc: 'x',
  ...(o.state === 'SUCCESS' && { transaction_id: o.transaction_id, trade_type: 'JSAPI', bank_type: 'OTHERS',
    success_time: new Date().toISOString().replace(/\.\d+Z$/, '+00:00') }),
  amount: { total: o.amount.total, payer_total: o.amount.total, currency: 'CNY', payer_currency: 'CNY' }, payer: { openid: o.payer.openid } });
const refund = (r) => ({ refund_id: r.refund_id, out_refund_no: r.out_refund_no, out_trade_no: r.out_trade_no,
  transaction_id: orders.get(r.out_trade_no).transaction_id, channel: 'ORIGINAL', user_received_account: 'x', create_time: '2026-11-21T10:00:00+08:00',
  status: r.status, amount: { ...r.amount, payer_total: r.amount.total, payer_refund: r.amount.refund, settlement_refund: r.amount.refund,
    settlement_total: r.amount.total, discount_refund: 0 } });

const routes = [
  ['POST', /^\/v3\/pay\/transactions\/jsapi$/, (_, o) => {
    orders.set(o.out_trade_no, { ...o, state: 'NOTPAY', transaction_id: `4200${Date.now()}${orders.size}` });
    return { prepay_id: `wx${randomBytes(17).toString('hex')}` };
  }],
  ['GET', /^\/v3\/pay\/transactions\/out-trade-no\/([^/?]+)\?mchid=1900000109$/, ([, no]) =>
    orders.has(no) ? transaction(orders.get(no)) : [404, { code: 'ORDER_NOT_EXIST', message: '订单不存在' }]],
  ['POST', /^\/v3\/pay\/transactions\/out-trade-no\/([^/?]+)\/close$/, ([, no], body) => {
    assert.deepEqual(body, { mchid: keys.mchid });
    orders.get(no).state = 'CLOSED';
    return [204];
  }],
  ['POST', /^\/v3\/refund\/domestic\/refunds$/, (_, r) => {
    refunds.set(r.out_refund_no, { ...r, refund_id: `50${Date.now()}`, status: 'PROCESSING' });
    return refund(refunds.get(r.out_refund_no));
  }],
  ['GET', /^\/v3\/refund\/domestic\/refunds\/([^/?]+)$/, ([, no]) => refund({ ...refunds.get(no), status: 'SUCCESS' })],
  ['GET', /^\/v3\/certificates$/, () => ({ data: [{ serial_no: keys.platform_serial, effective_time: '2026-11-20T17:26:38+08:00',
    expire_time: '2031-11-19T17:26:38+08:00', encrypt_certificate: sealed(keys.platform_certificate, 'certificate') }] })],
  ['GET', /^\/v3\/bill\/tradebill\?bill_date=(\d{4}-\d\d-\d\d)&bill_type=ALL(&tar_type=GZIP)?$/, ([, date]) =>
    date === day ? { hash_type: 'SHA1', hash_value: createHash('sha1').update(bill).digest('hex'),
      download_url: `${base}/v3/billdownload/file?token=abc%2Fdef&x=1` } : [400, { code: 'NO_STATEMENT_EXIST', message: 'x' }]],
];

function answer(request, res) {
  if (request.url.startsWith('/v3/billdownload/file?')) {
    res.end(gzipSync(bill)); // not signed, as the documentation says
    return;
  }
  for (const [method, form, act] of routes) {
    const found = method === request.method && form.exec(request.url);
    if (!found) continue;
    const said = act(found.map((p) => p && decodeURIComponent(p)), request.body.length ? JSON.parse(request.body) : undefined);
    const [status, json] = Array.isArray(said) ? said : [200, said];
    const body = json === undefined ? '' : JSON.stringify(json);
    const serial = signWith ?? (request.headers['wechatpay-serial'] || keys.platform_serial);
    res.writeHead(status, { 'Content-Type': 'application/json', ...signed(serial, body) });
    res.end(body);
    return;
  }
  bad.push(`unknown: ${request.method} ${request.url}`);
  res.writeHead(404).end('{"code":"RESOURCE_NOT_EXISTS"}');
}

function onRequest(req, res) {
  const parts = [];
  req.on('data', (d) => parts.push(d));
  req.on('end', () => {
    const request = { method: req.method, url: req.url, headers: req.headers, body: Buffer.concat(parts) };
    requests.push(request);
    try {
      const nonce = check(request);
      if (nonces.has(nonce)) bad.push(`a nonce came twice: ${nonce}`);
      nonces.add(nonce);
      answer(request, res);
    } catch (error) {
      bad.push(error.message);
      res.writeHead(401).end('{"code":"SIGN_ERROR"}');
    }
  });
}

const asked = (method, form) => requests.filter((r) => r.method === method && form.test(r.url));

before(async () => {
  server = createServer(onRequest);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${server.address().port}`;
  keyFolder = mkdtempSync(join(tmpdir(), 'mpc-keys-'));
  const owner = ordinaryUser();
  if (owner) chownSync(keyFolder, owner.uid, owner.gid);
  const file = (name) => {
    const path = join(keyFolder, name);
    writeFileSync(path, keys[name], { mode: 0o600 });
    if (owner) chownSync(path, owner.uid, owner.gid);
    return path;
  };
  // One gateway: its requests can be counted. Where several take long to hear an
  // answer they may ask once each (test_cert has how they take turns).
  stack = await startStack({ project, owner, gateways: 1, set: {
    'pay.api_base': base, 'pay.mchid': keys.mchid, 'pay.serial': keys.merchant_serial,
    'pay.private_key_file': file('merchant_private_key'), 'pay.apiv3_key_file': file('api_v3_key'),
    'pay.public_key_file': file('wechatpay_pubkey'), 'pay.public_key_id': keys.wechatpay_pubkey_id,
    'pay.v2_key_file': '', 'pay.v2_certificate_file': '', 'pay.certificates': 'yes', 'pay.notify_url': 'https://example.com/v1/pay/notify', 'functions.queue_poll': '200ms' } });
  db = new Db(stack);
  token = (await stack.login()).accessToken;
});
after(async () => {
  await db?.end();
  await stack?.stop();
  server?.close();
  rmSync(keyFolder, { recursive: true, force: true });
});

let last = 0;
async function place() {
  const outTradeNo = `wire-${String(++last).padStart(4, '0')}`;
  const { data, message } = await pay(stack, token, 'order', { outTradeNo, description: '苹果 "3" 斤\\', total: 1999, attach: 'cart=7&x' });
  assert.ok(data, message);
  return { outTradeNo, payment: data.payment };
}

// The command line beside the server of this process, which goes on answering.
const cli = (...words) => promisify(execFile)(...stack.as(join(build, 'mpcloud'), ['--config', stack.config, ...words]),
  { env: stack.env });

// A callback as WeChat Pay makes it; the status of our answer.
async function callback(o, serial) {
  const body = JSON.stringify({ id: `EV-${randomBytes(8).toString('hex')}`, create_time: '2026-11-21T10:00:00+08:00',
    resource_type: 'encrypt-resource', event_type: 'TRANSACTION.SUCCESS', summary: '支付成功',
    resource: { original_type: 'transaction', ...sealed(JSON.stringify(transaction({ ...o, state: 'SUCCESS' })), 'transaction') } });
  const { 'Request-ID': _, ...headers } = signed(serial, body);
  const answered = await fetch(`${stack.url}/v1/pay/notify`, { method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' }, body });
  return answered.status;
}

test('the platform certificates are asked for with a signed request and kept', async () => {
  await until(() => db.value('select count(*)::int from mpcloud.pay_certificates'), 'they are stored');
  const [{ serial, pem }] = await db.rows('select * from mpcloud.pay_certificates');
  assert.equal(serial, keys.platform_serial);
  assert.equal(pem.trim(), keys.platform_certificate.trim());
  assert.equal(asked('GET', /^\/v3\/certificates$/).length, 1);
});

test("an order's request and its payment arguments verify", async () => {
  const { outTradeNo, payment } = await place();
  const [{ body, headers }] = asked('POST', /jsapi$/);
  const o = JSON.parse(body);
  assert.deepEqual([o.out_trade_no, o.mchid, o.description, o.attach, o.amount],
    [outTradeNo, keys.mchid, '苹果 "3" 斤\\', 'cart=7&x', { total: 1999, currency: 'CNY' }]);
  assert.equal(headers['wechatpay-serial'], keys.wechatpay_pubkey_id);
  // docs "JSAPI": four lines, the package with its prefix.
  assert.deepEqual(Object.keys(payment).sort(), ['nonceStr', 'package', 'paySign', 'signType', 'timeStamp']);
  assert.equal(payment.signType, 'RSA');
  assert.match(payment.timeStamp, /^\d{10}$/);
  assert.match(payment.package, /^prepay_id=wx[0-9a-f]{34}$/);
  assert.ok(verify('RSA-SHA256', Buffer.from(`${o.appid}\n${payment.timeStamp}\n${payment.nonceStr}\n${payment.package}\n`),
    merchant, Buffer.from(payment.paySign, 'base64')));
});

test('callbacks made by node:crypto are taken, signed with either kind of key', async () => {
  for (const serial of [keys.wechatpay_pubkey_id, keys.platform_serial]) {
    const { outTradeNo } = await place();
    assert.equal(await callback(orders.get(outTradeNo), serial), 200);
    await untilState(db, outTradeNo, 'SUCCESS');
  }
});

test('an answer signed with the certificate is taken though the public key was asked for', async () => {
  signWith = keys.platform_serial;
  const { outTradeNo } = await place();
  signWith = undefined;
  assert.equal((await db.order(outTradeNo)).state, 'NOTPAY');
});

test('a question, a closing, a refund and its question verify', async () => {
  const open = await place();
  const paid = await place();
  orders.get(paid.outTradeNo).state = 'SUCCESS';
  await cli('pay', 'query', paid.outTradeNo);
  assert.equal((await db.order(paid.outTradeNo)).state, 'SUCCESS');
  await cli('pay', 'close', open.outTradeNo);
  assert.equal((await db.order(open.outTradeNo)).state, 'CLOSED');
  await cli('pay', 'refund', paid.outTradeNo, '--amount', '5.00');
  await until(async () => (await db.rows('select state from mpcloud.refunds')).some((r) => r.state === 'PROCESSING' || r.state === 'SUCCESS'),
    'the refund is taken');
  const [{ out_refund_no: no }] = await db.rows('select out_refund_no from mpcloud.refunds');
  await cli('pay', 'query', no, '--refund');
  assert.equal(await db.value('select state from mpcloud.refunds where out_refund_no = $1', no), 'SUCCESS');
  assert.equal(JSON.parse(asked('POST', /refunds$/)[0].body).amount.refund, 500);
  for (const [method, form] of [['GET', /out-trade-no\/[^/]+\?mchid=/], ['POST', /\/close$/], ['POST', /refunds$/], ['GET', /refunds\/[^/]+$/]])
    assert.ok(asked(method, form).length >= 1, `${method} ${form}`);
});

test('a bill is asked for, fetched from the address as it came, and checked', async () => {
  assert.equal((await cli('pay', 'bill', day)).stdout, bill);
  assert.equal(asked('GET', /tradebill\?bill_date=2026-11-20&/).length, 1);
  const [file] = asked('GET', /billdownload/);
  assert.equal(file.url, '/v3/billdownload/file?token=abc%2Fdef&x=1');
});

test('every request of the daemon verified', () => {
  assert.deepEqual(bad, []);
  assert.ok(requests.length >= 12, `${requests.length} requests`);
});
