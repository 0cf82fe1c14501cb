// API v2 from the order to its refund, for a merchant who has nothing of v3:
// signed by MD5 and by HMAC-SHA256.  What is signed is checked, and callbacks are
// forged, by node:crypto from WeChat Pay's documentation.

import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { Db, control, pay, startPay, untilState } from '../lib/pay.mjs';
import { Sandbox, read } from '../lib/sandbox.mjs';
import { ordinaryUser, until } from '../lib/stack.mjs';

const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

// A daemon with a v2 merchant of a sandbox whose keys are known before it starts.
async function start(sign) {
  const sandbox = await new Sandbox('pay-v2').start();
  ends.push(() => sandbox.end());
  const { merchant: m } = sandbox;
  const owner = ordinaryUser();
  if (owner) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, sandbox.folder]);
  const stack = await startPay({ clock: { file: sandbox.clockFile }, owner, set: {
    'wechat.api_base': sandbox.base, 'wechat.appid': sandbox.appid, 'wechat.secret_file': sandbox.secretFile,
    'pay.api': 'v2', 'pay.api_base': sandbox.base, 'pay.mchid': m.mchid, 'pay.serial': '',
    'pay.private_key_file': m.privateKeyFile, 'pay.v2_certificate_file': m.certificateFile,
    'pay.v2_key_file': m.v2KeyFile, 'pay.v2_sign': sign,
    'pay.apiv3_key_file': '', 'pay.public_key_file': '', 'pay.public_key_id': '',
    'pay.notify_url': `https://example.com/v1/pay/notify-v2/${m.mchid}` } });
  ends.push(() => stack.stop());
  stack.sandbox = sandbox.base;
  await control(stack, 'settings', { notify_to: stack.url });
  const db = new Db(stack);
  ends.push(() => db.end());
  const { accessToken: token } = await stack.login();
  return { sandbox, stack, db, token, key: read(m.v2KeyFile), mchid: m.mchid, sign };
}

const now = (s) => s.sandbox.now();
let last = 0;
async function place(s, more = {}) {
  const outTradeNo = `v2-${String(++last).padStart(4, '0')}`;
  const { data, message } = await pay(s.stack, s.token, 'order', { outTradeNo, description: '龙井 <茶> & "杯"', total: 300,
    function: 'paid', attach: 'a=1&b=<2>', ...more });
  assert.ok(data, message);
  return { outTradeNo, payment: data.payment };
}
async function paid(s, more) {
  const order = await place(s, more);
  // As wx.requestPayment does: WeChat looks at paySign.
  await control(s.stack, 'pay', order.payment);
  await untilState(s.db, order.outTradeNo, 'SUCCESS');
  return order;
}
const inbox = (s, no) => s.db.rows('select * from mpcloud.pay_inbox where out_trade_no = $1 order by id', no);
const refundOf = async (s, no) => (await s.db.rows('select * from mpcloud.refunds where out_refund_no = $1', no))[0];
const untilRefund = (s, no, state) => until(async () => {
  const r = await refundOf(s, no);
  return r?.state === state && r;
}, `refund ${no} becomes ${state}`);
// Time passes until what is due at `table`'s poll_at was asked.
const untilPolled = (s, table, column, no, state) => until(async () => {
  const [r] = await s.db.rows(`select * from mpcloud.${table} where ${column} = $1`, no);
  if (r.state === state) return r;
  if (r.poll_at && Number(r.poll_at) > now(s)) s.sandbox.moveClock(Number(r.poll_at) - now(s) + 1000);
  return null;
}, `${no} becomes ${state}`);

const xml = (fields) => `<xml>${Object.entries(fields).map(([k, v]) => `<${k}><![CDATA[${v}]]></${k}>`).join('')}</xml>`;
async function post(s, body, mchid = s.mchid) {
  const answer = await fetch(`${s.stack.url}/v1/pay/notify-v2/${mchid}`, { method: 'POST', body });
  return { status: answer.status, code: /<return_code><!\[CDATA\[(\w+)/.exec(await answer.text())?.[1] };
}
// A payment's callback as WeChat Pay makes it.
function callback(s, order, more = {}) {
  const fields = { return_code: 'SUCCESS', result_code: 'SUCCESS', appid: s.sandbox.appid, mch_id: s.mchid,
    nonce_str: 'a1b2c3', openid: order.openid, trade_type: 'JSAPI', bank_type: 'CMC', total_fee: '300', fee_type: 'CNY',
    cash_fee: '300', transaction_id: '4200000000202611210000000001', out_trade_no: order.outTradeNo,
    time_end: '20261121101010', ...(s.sign === 'MD5' ? {} : { sign_type: s.sign }), ...more };
  return xml({ ...fields, sign: more.sign ?? s.sandbox.v2Sign(fields, undefined, s.sign) });
}
// A refund's: sealed with the MD5 of the key, in AES-256-ECB.
function refundCallback(s, fields, more = {}) {
  const seal = createCipheriv('aes-256-ecb', createHash('md5').update(s.key).digest('hex'), null);
  const inner = `<root>${Object.entries(fields).map(([k, v]) => `<${k}><![CDATA[${v}]]></${k}>`).join('')}</root>`;
  return xml({ return_code: 'SUCCESS', appid: s.sandbox.appid, mch_id: s.mchid, nonce_str: 'x',
    req_info: seal.update(inner, 'utf8', 'base64') + seal.final('base64'), ...more });
}

for (const sign of ['MD5', 'HMAC-SHA256']) {
  let s;

  test(`${sign}: an order is signed, paid, told, and told to its function once`, async () => {
    s = await start(sign);
    const { outTradeNo, payment } = await paid(s);
    const { appId, timeStamp, nonceStr, package: pack, signType, paySign } =
      { appId: s.sandbox.appid, ...payment };
    assert.equal(signType, sign);
    assert.equal(paySign, s.sandbox.v2Sign({ appId, timeStamp, nonceStr, package: pack, signType }, undefined, sign));
    const row = await s.db.order(outTradeNo);
    const [theirs] = (await control(s.stack, `orders?out_trade_no=${outTradeNo}`));
    assert.deepEqual([row.told_by, row.transaction_id, row.mchid, row.poll_at],
      ['notify', theirs.transaction_id, s.mchid, null]);
    await control(s.stack, 'notify', { out_trade_no: outTradeNo });
    await until(async () => (await inbox(s, outTradeNo))[0]?.repeats === 1 || (await inbox(s, outTradeNo)).length === 2, 'it came again');
    const [done] = await until(async () => {
      const docs = await s.db.docs('fulfilments', `_id = '${outTradeNo}'`);
      return docs.length && docs;
    }, 'it is fulfilled');
    assert.equal(done.total, 300);
    const [tried] = await s.db.docs('tries');
    assert.equal(tried.event.attach, 'a=1&b=<2>');
    await until(async () => (await s.db.rows("select 1 from mpcloud.queue where state <> 'done'")).length === 0, 'all is told');
    assert.equal((await s.db.rows(`select 1 from mpcloud.queue where event::jsonb ->> 'outTradeNo' = $1`, outTradeNo)).length, 2);
  });

  test(`${sign}: a part and the rest are refunded, and WeChat's sealed news end it`, async () => {
    const { outTradeNo } = await paid(s);
    const { data, message } = await pay(s.stack, s.token, 'refund', { outTradeNo, amount: 100, key: 'a' });
    assert.ok(data, message);
    const first = await untilRefund(s, data.outRefundNo, 'SUCCESS');
    assert.deepEqual([first.told_by, first.amount], ['notify', '100']);
    const [theirs] = await control(s.stack, `orders?out_trade_no=${outTradeNo}`);
    assert.deepEqual(theirs.refunds.map((r) => [r.out_refund_no, r.refund_id, r.status]),
      [[data.outRefundNo, first.refund_id, 'SUCCESS']]);
    const rest = (await pay(s.stack, s.token, 'refund', { outTradeNo, amount: 200, key: 'b' })).data;
    await untilPolled(s, 'refunds', 'out_refund_no', rest.outRefundNo, 'SUCCESS');
    assert.equal((await untilState(s.db, outTradeNo, 'REFUND')).refunded, '300');
    assert.equal((await pay(s.stack, s.token, 'refund', { outTradeNo, amount: 1, key: 'c' })).code, 'CONFLICT');
  });

  test(`${sign}: what others signed is refused, and other money is kept apart`, async () => {
    const order = await place(s);
    const { openid } = await s.db.order(order.outTradeNo);
    Object.assign(order, { openid });
    const other = sign === 'MD5' ? 'HMAC-SHA256' : 'MD5';
    const refused = [
      callback(s, order, { sign: 'A'.repeat(sign === 'MD5' ? 32 : 64) }),
      callback(s, order).replace('<total_fee><![CDATA[300', '<total_fee><![CDATA[301'),
      callback(s, order).replace(/<sign>.*<\/sign>/, ''),
      callback({ ...s, mchid: '1900000000' }, order),
      // Signed by one and said to be of the other.
      callback(s, order).replace('</xml>', `<sign_type>${other}</sign_type></xml>`),
    ];
    for (const body of refused) {
      const said = await post(s, body);
      assert.ok(said.status >= 400 && said.code === 'FAIL', `${JSON.stringify(said)}: ${body}`);
    }
    assert.deepEqual(await inbox(s, order.outTradeNo), []);
    for (const wrong of [{ total_fee: '1' }, { openid: 'somebody' }, { fee_type: 'USD' }])
      assert.deepEqual(await post(s, callback(s, order, wrong)), { status: 200, code: 'SUCCESS' });
    assert.deepEqual((await inbox(s, order.outTradeNo)).map((i) => i.outcome), Array(3).fill('quarantined'));
    assert.equal((await s.db.order(order.outTradeNo)).state, 'NOTPAY');
    // And what is right is taken.
    assert.deepEqual(await post(s, callback(s, order)), { status: 200, code: 'SUCCESS' });
    assert.equal((await s.db.order(order.outTradeNo)).state, 'SUCCESS');
  });

  test(`${sign}: a sealed refund's news that do not fit are kept apart or refused`, async () => {
    const { outTradeNo } = await paid(s);
    const { data } = await pay(s.stack, s.token, 'refund', { outTradeNo, amount: 50, key: 'a' });
    await untilRefund(s, data.outRefundNo, 'SUCCESS');
    const row = await refundOf(s, data.outRefundNo);
    const o = await s.db.order(outTradeNo);
    const fields = { out_refund_no: data.outRefundNo, out_trade_no: outTradeNo, refund_id: row.refund_id,
      transaction_id: o.transaction_id, total_fee: '300', refund_fee: '5000', settlement_refund_fee: '5000',
      refund_status: 'SUCCESS', success_time: '2026-11-21 10:10:10' };
    assert.deepEqual(await post(s, refundCallback(s, fields)), { status: 200, code: 'SUCCESS' });
    const kept = (await inbox(s, outTradeNo)).filter((i) => i.outcome === 'quarantined');
    assert.equal(kept.length, 1);
    assert.equal((await s.db.order(outTradeNo)).refunded, '50');
    for (const body of [refundCallback({ ...s, key: 'k'.repeat(32) }, fields), refundCallback(s, fields, { mch_id: '1900000000' })]) {
      const said = await post(s, body);
      assert.ok(said.status >= 400 && said.code === 'FAIL', JSON.stringify(said));
    }
  });

  test(`${sign}: lost news are asked for, and an order that is not wanted is closed`, async () => {
    await control(s.stack, 'notify-fault', { kind: 'drop', count: 2, deliveries: 1000 });
    const { outTradeNo, payment } = await place(s);
    await control(s.stack, 'pay', payment);
    assert.equal((await untilPolled(s, 'orders', 'out_trade_no', outTradeNo, 'SUCCESS')).told_by, 'query');
    const { data } = await pay(s.stack, s.token, 'refund', { outTradeNo, amount: 100, key: 'a' });
    const row = await untilPolled(s, 'refunds', 'out_refund_no', data.outRefundNo, 'SUCCESS');
    assert.equal(row.told_by, 'query');
    await control(s.stack, 'notify-fault', { kind: 'none' });
    const unwanted = await place(s);
    const closed = await pay(s.stack, s.token, 'close', unwanted.outTradeNo);
    assert.ok(closed.data, closed.message);
    assert.equal((await untilState(s.db, unwanted.outTradeNo, 'CLOSED')).state, 'CLOSED');
    const [theirs] = await control(s.stack, `orders?out_trade_no=${unwanted.outTradeNo}`);
    assert.equal(theirs.trade_state, 'CLOSED');
  });
}
