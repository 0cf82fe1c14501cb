// Each day's bill beside our orders: what the bill knows and we do not is
// repaired, everything else is found, listed, and stays until somebody looks.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { Clock, Db, control, pay, startPay, untilState } from '../lib/pay.mjs';
import { join, source, until } from '../lib/stack.mjs';

const DAY = 86400;
const dayOf = (ms) => new Date(ms + 8 * 3600000).toISOString().slice(0, 10);

// Noon in China, so that no test crosses a day by itself.
function clockAtNoon() {
  const clock = new Clock();
  const inDay = (Date.now() / 1000 + 8 * 3600) % DAY;
  clock.move(DAY + DAY / 2 - inDay);
  return clock;
}

let clock, stack, db, token, day;
before(async () => {
  clock = clockAtNoon();
  // Nobody asks WeChat about single orders: only the bill can tell.
  stack = await startPay({ project: join(source, 'tests/e2e/refund'), clock,
    set: { 'pay.poll_rate': 0, 'pay.reconcile': 'no' } });
  db = new Db(stack);
  token = (await stack.login()).accessToken;
  day = dayOf(clock.now());
});
after(async () => {
  await db?.end();
  await stack?.stop();
  clock?.end();
});

let last = 0;
async function place(what, total) {
  const outTradeNo = `bill-${what}-${++last}`;
  const { data, message } = await pay(stack, token, 'order', { outTradeNo, description: 'Tea, green', attach: 'a,`b', total });
  assert.ok(data, message);
  return outTradeNo;
}
async function paid(what, total) {
  const no = await place(what, total);
  await control(stack, 'pay', { out_trade_no: no });
  await untilState(db, no, 'SUCCESS');
  return no;
}
const reconcile = (...words) => {
  const { status, stdout, stderr } = stack.cli('pay', 'reconcile', ...words, '--json');
  assert.ok(stdout, stderr);
  return { status, answer: JSON.parse(stdout) };
};

test('a day that is not over has no bill', () => {
  const { status, stderr } = stack.cli('pay', 'reconcile', day);
  assert.equal(status, 1);
  assert.match(stderr, /is not over/);
  assert.equal(stack.cli('pay', 'reconcile', '2026-02-30').status, 2);
});

test('every kind of difference is found; what the bill can repair, it repairs', async () => {
  const fine = await paid('fine', 1999);
  const lost = await place('lost', 250);
  await control(stack, 'notify-fault', { kind: 'drop', out_trade_no: lost, count: 20 });
  await control(stack, 'pay', { out_trade_no: lost });
  const hidden = await paid('hidden', 300);
  const other = await paid('other', 400);
  const back = await paid('back', 500);
  const { data: refund } = await pay(stack, token, 'refund', { outTradeNo: back, amount: 120 });
  await until(async () => (await db.order(back)).refunded === '120', 'the refund is done');
  const wrong = await paid('wrong', 600);
  const { data: refund2 } = await pay(stack, token, 'refund', { outTradeNo: wrong, amount: 60 });
  await until(async () => (await db.order(wrong)).refunded === '60', 'the other refund is done');
  await control(stack, 'bill', { hide: [hidden], totals: { [other]: 401, [refund2.outRefundNo]: 61 },
    extra: [{ out_trade_no: 'nobody-knows-1', total: 777, date: day }] });
  clock.move(DAY);

  const { status, answer } = reconcile(day);
  assert.equal(status, 1);
  const kinds = answer.differences.map((d) => [d.kind, d.outTradeNo, d.settledBy]);
  assert.deepEqual(kinds.sort(), [
    ['amount', other, null], ['missing_there', hidden, null], ['refund_amount', wrong, null],
    ['unknown_order', 'nobody-knows-1', null], ['unpaid_here', lost, 'bill']].sort());
  assert.ok(!kinds.some(([, no]) => no === fine || no === back));
  assert.equal((await db.order(lost)).state, 'SUCCESS');
  assert.equal((await db.order(lost)).told_by, 'bill');
  await until(async () => (await db.rows(`select 1 from mpcloud.queue where event::jsonb ->> 'outTradeNo' = $1`, lost)).length <= 1, 'told once');
  const [row] = answer.days;
  assert.deepEqual([row.state, row.sums.ours.paid, row.sums.ours.total], ['done', 6, 1999 + 250 + 300 + 400 + 500 + 600]);
  assert.deepEqual([row.sums.theirs.paid, row.sums.theirs.refunds, row.sums.theirs.refunded], [6, 2, 120 + 61]);
  assert.equal(row.lines, 8);
  assert.match(stack.daemonLog(), /pay\.difference/);
  assert.ok(refund.outRefundNo);
});

test('comparing again finds the same, and what somebody settled stays settled', async () => {
  const again = reconcile(day);
  assert.equal(again.status, 1);
  assert.equal(again.answer.differences.filter((d) => !d.settledAt).length, 4);
  for (const { outTradeNo } of again.answer.differences.filter((d) => !d.settledAt))
    assert.equal(stack.cli('pay', 'settle', outTradeNo).status, 0);
  const done = reconcile(day);
  assert.equal(done.status, 0);
  assert.equal(done.answer.differences.length, 5);
  assert.equal(stack.cli('pay', 'settle', 'nobody-knows-1').status, 1);
});

test('a person reads the table', () => {
  const { stdout, status } = stack.cli('pay', 'reconcile', day);
  assert.equal(status, 0);
  assert.match(stdout, /6 paid ¥40\.49, 2 refunded ¥1\.80/);
  assert.match(stdout, /paid there, not here .* repaired/);
  assert.match(stdout, /no open differences/);
});

test('the bill itself can be fetched, byte for byte', () => {
  const { stdout, status } = stack.cli('pay', 'bill', day);
  assert.equal(status, 0);
  assert.ok(stdout.startsWith('\ufeff交易时间,公众账号ID'));
  assert.equal(stdout.trimEnd().split('\r\n').length, 8 + 3);
});

test('a day without trade is empty, a bill in the making comes later, a wrong sum is refused', async () => {
  const next = dayOf(clock.now());
  await control(stack, 'bill', { creating: 1 });
  clock.move(DAY);
  const early = stack.cli('pay', 'reconcile', next);
  assert.equal(early.status, 1);
  assert.match(early.stderr, /still making the bill/);
  const { status, answer } = reconcile(next);
  assert.equal(status, 0);
  assert.equal(answer.days[0].state, 'empty');
  await control(stack, 'bill', { bad_hash: true });
  const bad = stack.cli('pay', 'reconcile', day);
  await control(stack, 'bill', { bad_hash: false });
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /SHA1/);
  const [row] = await db.rows('select state, why, next_at from mpcloud.pay_bills where day = $1', day);
  assert.equal(row.state, 'failed');
  assert.ok(row.next_at);
});
