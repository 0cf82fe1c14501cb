// What the operator sees of payments and does about them, and the day's bill
// that is compared by itself.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { Clock, Db, control, pay, startPay, untilState } from '../lib/pay.mjs';
import { join, source, until } from '../lib/stack.mjs';

let clock, stack, db, token, openid;
before(async () => {
  clock = new Clock();
  // Noon in China, so that no test crosses a day by itself.
  clock.move(86400 * 1.5 - (Date.now() / 1000 + 8 * 3600) % 86400);
  stack = await startPay({ project: join(source, 'tests/e2e/refund'), clock, gateways: 2 });
  db = new Db(stack);
  token = (await stack.login()).accessToken;
});
after(async () => {
  await db?.end();
  await stack?.stop();
  clock?.end();
});

const mpcloud = (...words) => stack.cli('pay', ...words);
function prints(...words) {
  const { status, stdout, stderr } = mpcloud(...words);
  assert.equal(status, 0, stderr + stdout);
  return stdout;
}
async function place(outTradeNo, total = 1999) {
  const { data, message } = await pay(stack, token, 'order', { outTradeNo, description: '苹果 3 斤', attach: 'cart=7', total });
  assert.ok(data, message);
}
async function paid(outTradeNo, total) {
  await place(outTradeNo, total);
  await control(stack, 'pay', { out_trade_no: outTradeNo });
  return untilState(db, outTradeNo, 'SUCCESS');
}

test('orders are listed, amounts in yuan, the newest first', async () => {
  await paid('cli-0001');
  await place('cli-0002', 5);
  const table = prints('orders').split('\n');
  assert.match(table[0], /^ORDER +STATE +TOTAL +REFUNDED +CREATED +PAID +FOR$/);
  assert.match(table[1], /^cli-0002 +NOTPAY +¥0\.05 +- +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +- +苹果 3 斤$/);
  assert.match(table[2], /^cli-0001 +SUCCESS +¥19\.99 +- .* 苹果 3 斤$/);
  assert.equal(prints('orders', '--state', 'SUCCESS').split('\n').length, 3);
  assert.equal(prints('orders', '--since', '1h', '--limit', '1').split('\n').length, 3);
  const json = stack.cliJson('pay', 'orders', '--state', 'SUCCESS');
  assert.deepEqual([json.length, json[0].total, typeof json[0].paidAt], [1, 1999, 'number']);
  openid = json[0].openid;
  assert.equal(stack.cliJson('pay', 'orders', '--openid', openid).length, 2);
  assert.match(mpcloud('orders', '--state', 'CLOSED').stderr, /no such order/);
  assert.equal(mpcloud('orders', '--since', 'yesterday').status, 2);
});

test('an order is shown with all that happened to it', async () => {
  const out = prints('order', 'cli-0001');
  for (const line of [/^order +cli-0001$/m, /^state +SUCCESS, told by a callback$/m, /^total +¥19\.99$/m, /^attach +cart=7$/m,
    /^transaction +\d+$/m, /^What WeChat Pay said$/m, /TRANSACTION\.SUCCESS +applied +0/])
    assert.match(out, line);
  const gone = mpcloud('order', 'cli-9999');
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /there is no order of this number/);
});

test('a refund from the command line, in yuan', async () => {
  assert.match(prints('refund', 'cli-0001', '--amount', '9.99', '--reason', 'broken'), /^refund \w+ of cli-0001: ¥9\.99, /);
  await untilState(db, 'cli-0001', 'REFUND');
  const [r] = stack.cliJson('pay', 'refunds');
  assert.deepEqual([r.amount, r.reason, r.state], [999, 'broken', 'SUCCESS']);
  assert.match(prints('refunds'), /SUCCESS +¥9\.99/);
  assert.match(prints('order', 'cli-0001'), /^refunded +¥9\.99$/m);
  assert.match(prints('query', r.outRefundNo, '--refund'), /SUCCESS/);
  const more = mpcloud('refund', 'cli-0001', '--amount', '10.01');
  assert.equal(more.status, 1);
  assert.match(more.stderr, /¥10\.00\) are left/);
  const wrong = mpcloud('refunds', '--state', 'paid');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /one of CREATED, PROCESSING, /);
  assert.match(prints('refunds', '--state', 'success'), /SUCCESS +¥9\.99/);
  for (const bad of ['0', '1.', '1.234', 'ten', '-1'])
    assert.equal(mpcloud('refund', 'cli-0001', '--amount', bad).status, 2, bad);
});

test('closing, and asking WeChat now', async () => {
  assert.match(prints('query', 'cli-0002'), /^order cli-0002: ¥0\.05, NOTPAY$/m);
  assert.match(prints('close', 'cli-0002'), /CLOSED/);
  const no = mpcloud('close', 'cli-0001');
  assert.equal(no.status, 1);
  assert.match(no.stderr, /refund/);
});

test('what does not fit is quarantined, shown, and released by hand', async () => {
  await place('cli-0003', 100);
  await control(stack, 'notify-fault', { kind: 'amount', out_trade_no: 'cli-0003' });
  await control(stack, 'pay', { out_trade_no: 'cli-0003' });
  const [news] = await until(() => {
    const list = stack.cliJson('pay', 'inbox', '--quarantined');
    return list.length && list;
  }, 'it is quarantined');
  assert.equal(news.outTradeNo, 'cli-0003');
  assert.match(prints('inbox', '--quarantined'), /quarantined +\d+ +total/);
  assert.match(prints('release', String(news.id), '--reason', 'a test'), /^released \d+ \(order cli-0003\)/);
  assert.equal(stack.cliJson('pay', 'inbox', '--quarantined').length, 0);
  const again = mpcloud('release', String(news.id));
  assert.equal(again.status, 1);
  assert.match(again.stderr, /is not quarantined, but released/);
  assert.match(mpcloud('release', '999999').stderr, /nothing of this id/);
});

test('the selftest names what is wrong and says what to do', () => {
  const { status, stdout } = mpcloud('selftest');
  assert.match(stdout, /^Merchant \d+, callbacks to http/);
  assert.match(stdout, /^✓ \w+/m);
  // In development notify_url is of this machine, which WeChat cannot reach.
  assert.equal(status, /^✗/m.test(stdout) ? 1 : 0);
  assert.match(mpcloud('notify-test').stdout, /notify_url/);
  const { checks } = JSON.parse(mpcloud('selftest', '--json').stdout);
  assert.ok(checks.length >= 5);
});

test("yesterday's bill is compared by itself after ten, by one gateway", async () => {
  const day = new Date(clock.now() + 8 * 3600000).toISOString().slice(0, 10);
  await place('cli-0004', 700);
  await control(stack, 'notify-fault', { kind: 'drop', out_trade_no: 'cli-0004', count: 30 });
  await control(stack, 'pay', { out_trade_no: 'cli-0004' });
  clock.move(86400);
  await until(async () => (await db.value('select state from mpcloud.pay_bills where day = $1', day)) === 'done',
    'the bill is compared', 6000);
  await untilState(db, 'cli-0004', 'SUCCESS');
  const { '/v3/bill/tradebill': asked } = await control(stack, 'counts');
  assert.ok(asked >= 1 && asked <= 2, `${asked} downloads`);
});
