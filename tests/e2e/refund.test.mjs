// Refunds: never more than was paid, never twice for one wish, driven until
// WeChat has ended them, whatever gets lost on the way.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { Clock, Db, control, pay, startPay, untilState } from '../lib/pay.mjs';
import { join, source, until } from '../lib/stack.mjs';

let clock, stack, db, token;
before(async () => {
  clock = new Clock();
  stack = await startPay({ project: join(source, 'tests/e2e/refund'), clock, gateways: 2,
    set: { 'limits.ip_rate': 6000, 'limits.ip_burst': 1000, 'limits.user_rate': 6000, 'limits.user_burst': 1000,
      'pay.poll_rate': 200 } });
  db = new Db(stack);
  token = (await stack.login()).accessToken;
});
after(async () => {
  await db?.end();
  await stack?.stop();
  clock?.end();
});

let last = 0;
async function paid(total = 1000) {
  const outTradeNo = `refund-${String(++last).padStart(4, '0')}`;
  const { data, message } = await pay(stack, token, 'order', { outTradeNo, description: 'Tea', total });
  assert.ok(data, message);
  await control(stack, 'pay', { out_trade_no: outTradeNo });
  await untilState(db, outTradeNo, 'SUCCESS');
  return outTradeNo;
}
const refund = (wish) => pay(stack, token, 'refund', wish);
const refundOf = async (no) => (await db.rows('select * from mpcloud.refunds where out_refund_no = $1', no))[0];
const untilRefund = (no, state) => until(async () => {
  const r = await refundOf(no);
  return r?.state === state && r;
}, `refund ${no} becomes ${state}`);
// Time passes until the polls have asked.
const untilPolled = (no, state) => until(async () => {
  const r = await refundOf(no);
  if (r?.state === state) return r;
  if (r?.poll_at && Number(r.poll_at) > clock.now()) clock.move((Number(r.poll_at) - clock.now()) / 1000 + 1);
  return null;
}, `refund ${no} becomes ${state}`);
const theirs = async (no) => (await control(stack, 'orders')).orders?.find?.((o) => o.out_trade_no === no);
const docs = async (collection, no) => (await db.docs(collection)).map((d) => d.event).filter((e) => e.outTradeNo === no);

test('a refund without an amount gives all back, and the functions hear of it once', async () => {
  const no = await paid(1234);
  const { data } = await refund({ outTradeNo: no, reason: 'sold out', function: 'back' });
  assert.equal(data.amount, 1234);
  assert.equal(data.outTradeNo, no);
  const row = await untilRefund(data.outRefundNo, 'SUCCESS');
  assert.equal(row.reason, 'sold out');
  const order = await untilState(db, no, 'REFUND');
  assert.equal(order.refunded, '1234');
  const [heard] = await until(async () => (await docs('heard', no)).length === 1 && docs('heard', no), 'the trigger ran');
  assert.deepEqual([heard.event, heard.refund, heard.refunded, heard.total, heard.outRefundNo],
    ['refunded', 1234, 1234, 1234, data.outRefundNo]);
  const [told] = await until(async () => (await docs('told', no)).length === 1 && docs('told', no), 'its function ran');
  assert.deepEqual([told.refundStatus, told.refundFee, told.totalFee, told.outRefundNo, told.refundId],
    ['SUCCESS', 1234, 1234, data.outRefundNo, row.refund_id]);
  await control(stack, 'notify', { out_refund_no: data.outRefundNo });
  assert.equal((await db.rows(`select 1 from mpcloud.queue where event::jsonb ->> 'outTradeNo' = $1`, no)).length, 2);
});

test('the same wish is the same refund; other keys are other refunds', async () => {
  const no = await paid(1000);
  const first = (await refund({ outTradeNo: no, amount: 100 })).data;
  const again = (await refund({ outTradeNo: no, amount: 100 })).data;
  assert.equal(again.outRefundNo, first.outRefundNo);
  const key = (await refund({ outTradeNo: no, amount: 100, key: 'second' })).data;
  assert.notEqual(key.outRefundNo, first.outRefundNo);
  assert.equal((await refund({ outTradeNo: no, amount: 100, key: 'second' })).data.outRefundNo, key.outRefundNo);
  const other = await refund({ outTradeNo: no, amount: 200, key: 'second' });
  assert.equal(other.code, 'CONFLICT');
  assert.match(other.message, /another one needs another key/);
  assert.equal((await db.rows('select 1 from mpcloud.refunds where out_trade_no = $1', no)).length, 2);
});

test('a second refund of an order waits for its minute by itself', async () => {
  const no = await paid(500);
  const first = (await refund({ outTradeNo: no, amount: 200 })).data;
  const second = (await refund({ outTradeNo: no, amount: 300 })).data;
  assert.equal(second.state, 'CREATED');
  assert.ok(Date.parse(second.waitsUntil) > clock.now());
  const [a, b] = [await refundOf(first.outRefundNo), await refundOf(second.outRefundNo)];
  assert.ok(Number(b.asked_at) - Number(a.asked_at) >= 60000);
  await untilRefund(first.outRefundNo, 'SUCCESS');
  assert.equal((await refundOf(second.outRefundNo)).refund_id, null);
  await untilPolled(second.outRefundNo, 'SUCCESS');
  assert.equal((await db.order(no)).refunded, '500');
});

test('more than is left is refused, and so is what was never paid', async () => {
  const no = await paid(300);
  const over = await refund({ outTradeNo: no, amount: 301 });
  assert.equal(over.code, 'CONFLICT');
  assert.match(over.message, /300 fen \(¥3\.00\) are left/);
  const unpaid = 'refund-unpaid-1';
  await pay(stack, token, 'order', { outTradeNo: unpaid, description: 'Tea', total: 5 });
  assert.match((await refund({ outTradeNo: unpaid })).message, /not paid/);
  assert.equal((await refund({ outTradeNo: 'refund-nothing' })).code, 'RESOURCE_NOT_FOUND');
  assert.equal((await refund({ outTradeNo: no, amount: 0 })).code, 'INVALID_PARAM');
});

test('concurrent refunds through two gateways never exceed the total', async () => {
  const no = await paid(1000);
  const answers = await Promise.all(Array.from({ length: 24 }, (_, i) =>
    refund({ outTradeNo: no, amount: 90, key: `k${i}` })));
  const taken = answers.filter((a) => a.data);
  assert.equal(taken.length, 11);
  assert.ok(answers.filter((a) => !a.data).every((a) => a.code === 'CONFLICT'));
  for (const { data } of taken) await untilPolled(data.outRefundNo, 'SUCCESS');
  assert.equal((await db.order(no)).refunded, '990');
});

const lost = {
  drop: 'the answer is lost after it was done',
  drop_before: 'the request never arrives',
  busy: 'SYSTEM_ERROR',
  busy_executed: 'SYSTEM_ERROR, though it was done',
  http429: 'FREQUENCY_LIMITED',
  http429_executed: 'FREQUENCY_LIMITED, though it was done',
  bad_signature: 'the answer does not verify',
};
for (const [kind, what] of Object.entries(lost))
  test(`${what}: the same number is asked again, and refunded once`, async () => {
    const no = await paid(700);
    await control(stack, 'fault', { path: '/v3/refund/domestic/refunds', kind, count: 2 });
    const { data, message } = await refund({ outTradeNo: no, amount: 700 });
    assert.ok(data, message);
    await control(stack, 'fault', { path: '/v3/refund/domestic/refunds', kind: 'none' });
    const row = await untilPolled(data.outRefundNo, 'SUCCESS');
    assert.equal(row.why, null);
    assert.equal((await db.order(no)).refunded, '700');
    assert.equal((await db.rows('select 1 from mpcloud.refunds where out_trade_no = $1', no)).length, 1);
  });

const answer = (body) => control(stack, 'answer', { path: '/v3/refund/domestic/refunds', ...body });

test('a merchant without money: the same number is tried until there is some', async () => {
  const no = await paid(600);
  await answer({ status: 403, answer: { code: 'NOT_ENOUGH', message: '余额不足' } });
  const { data } = await refund({ outTradeNo: no });
  assert.equal(data.state, 'CREATED');
  assert.match(data.why, /NOT_ENOUGH/);
  assert.match((await refund({ outTradeNo: no, amount: 1, key: 'other' })).message, /: 0 fen/);
  await untilPolled(data.outRefundNo, 'SUCCESS');
});

test('what WeChat refuses is closed once it does not know the number either, and may be asked anew', async () => {
  const no = await paid(600);
  await answer({ status: 400, answer: { code: 'INVALID_REQUEST', message: '订单已超过退款期限' } });
  const refused = await refund({ outTradeNo: no, amount: 600 });
  assert.equal(refused.code, 'PAY_REFUSED');
  assert.match(refused.message, /INVALID_REQUEST/);
  const [row] = await db.rows('select * from mpcloud.refunds where out_trade_no = $1', no);
  assert.deepEqual([row.state, row.poll_at], ['CLOSED', null]);
  const { data } = await refund({ outTradeNo: no, amount: 600 });
  assert.notEqual(data.outRefundNo, row.out_refund_no);
  await untilPolled(data.outRefundNo, 'SUCCESS');
});

test('callbacks that never come are made up for by asking', async () => {
  const no = await paid(400);
  await control(stack, 'notify-fault', { kind: 'drop', out_trade_no: no, count: 10 });
  const { data } = await refund({ outTradeNo: no });
  const row = await untilPolled(data.outRefundNo, 'SUCCESS');
  assert.equal(row.told_by, 'query');
  assert.equal((await db.order(no)).state, 'REFUND');
});

test('money that does not reach the user is an alarm, and listed', async () => {
  const no = await paid(800);
  await control(stack, 'settings', { refund_result: 'ABNORMAL' });
  const { data } = await refund({ outTradeNo: no });
  await untilPolled(data.outRefundNo, 'ABNORMAL');
  await control(stack, 'settings', { refund_result: 'SUCCESS' });
  assert.match(stack.daemonLog(), /pay\.refund_abnormal/);
  assert.equal((await db.order(no)).refunded, '0');
  assert.match((await refund({ outTradeNo: no, amount: 1, key: 'more' })).message, /: 0 fen \(¥0\.00\) are left/);
  const [listed] = stack.cliJson('pay', 'refunds', '--state', 'ABNORMAL');
  assert.equal(listed.outRefundNo, data.outRefundNo);
});

test('a user has no way to refund', async () => {
  const no = await paid(100);
  const answer = await fetch(`${stack.url}/web`, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'pay.refund', outTradeNo: no, access_token: token }) });
  assert.notEqual((await answer.json()).code, undefined);
  assert.equal((await db.rows('select 1 from mpcloud.refunds where out_trade_no = $1', no)).length, 0);
});
