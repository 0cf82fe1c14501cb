// cloudPay as it stands in mini programs' functions, with every wx-server-sdk
// that has it, unmodified: an order's whole life.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { Clock, Db, control, startPay, untilState } from '../lib/pay.mjs';
import { callFunction, join, lacksPackages, sanitized, source, until } from '../lib/stack.mjs';

// Under sanitizers the first and the last: the others send what one of them does.
const versions = sanitized ? ['2.1.2', '4.0.2'] : ['2.1.2', '2.4.0', '2.6.3', '2.7.2', '3.0.4', '4.0.2'];
const names = versions.map((v) => `pay${v.replace(/\./g, '')}`);
const skip = lacksPackages('tests/clients/wx-server-sdk-4.0.2');

let clock, stack, db, token, mchid, appid;
before(async () => {
  if (skip) return;
  clock = new Clock();
  stack = await startPay({ project: join(source, 'tests/e2e/cloudpay'), functions: [...names, 'payscript', 'paycb'], clock,
    set: { 'limits.user_rate': 6000, 'limits.user_burst': 1000 } });
  db = new Db(stack);
  token = (await stack.login()).accessToken;
  ({ mchid, appid } = await control(stack, 'keys'));
});
after(async () => {
  await db?.end();
  await stack?.stop();
  clock?.end();
});

async function cloudPay(fn, api, data) {
  const { status, body } = await callFunction(stack, fn, { api, data }, token);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}
// As CloudBase's documentation has it.
const order = (outTradeNo, totalFee) => ({ body: '云开发测试', outTradeNo, spbillCreateIp: '127.0.0.1', subMchId: mchid,
  totalFee, envId: 'project', functionName: 'paycb', nonceStr: '5K8264ILTKCH16CQ2502SI8ZNMTM67VS', tradeType: 'JSAPI' });
const told = async (no) => (await db.docs('told')).filter((d) => d.event.outTradeNo === no);

for (const [i, fn] of [...names, 'payscript'].entries())
  test(`${fn}: order, payment, callback, query, refund, refund's callback`, { skip }, async () => {
    const no = `cloudpay-${fn}`, fee = 880 + i;
    const placed = await cloudPay(fn, 'unifiedOrder', order(no, fee));
    assert.deepEqual([placed.returnCode, placed.resultCode, placed.errCode, placed.errMsg, placed.subMchId, placed.tradeType],
      ['SUCCESS', 'SUCCESS', 0, 'cloudPay.unifiedOrder:ok', mchid, 'JSAPI'], JSON.stringify(placed));
    assert.equal(placed.payment.package, `prepay_id=${placed.prepayId}`);
    assert.equal(placed.payment.appId, appid);
    assert.equal((await cloudPay(fn, 'queryOrder', { outTradeNo: no, subMchId: mchid })).tradeState, 'NOTPAY');

    // What wx.requestPayment would be called with; the sandbox checks paySign.
    const { timeStamp, nonceStr, package: pack, signType, paySign } = placed.payment;
    await control(stack, 'pay', { timeStamp, nonceStr, package: pack, signType, paySign });
    await untilState(db, no, 'SUCCESS');
    const [paid] = await until(async () => (await told(no)).length === 1 && told(no), 'its function is told');
    assert.deepEqual([paid.event.returnCode, paid.event.resultCode, paid.event.outTradeNo, paid.event.totalFee, paid.event.subMchId],
      ['SUCCESS', 'SUCCESS', no, fee, mchid]);
    assert.equal(paid.event.userInfo.openId, paid.event.subOpenid);

    const queried = await cloudPay(fn, 'queryOrder', { outTradeNo: no, subMchId: mchid });
    assert.deepEqual([queried.resultCode, queried.tradeState, queried.totalFee, queried.cashFee, queried.transactionId],
      ['SUCCESS', 'SUCCESS', fee, fee, paid.event.transactionId]);
    const byTx = await cloudPay(fn, 'queryOrder', { transactionId: queried.transactionId, subMchId: mchid });
    assert.equal(byTx.outTradeNo, no);

    const back = { outTradeNo: no, outRefundNo: `${no}-r1`, totalFee: fee, refundFee: 80, subMchId: mchid,
      nonceStr: 'x', envId: 'project', functionName: 'paycb', refundDesc: '少了一件' };
    const refunded = await cloudPay(fn, 'refund', back);
    assert.deepEqual([refunded.resultCode, refunded.outRefundNo, refunded.refundFee, refunded.totalFee],
      ['SUCCESS', `${no}-r1`, 80, fee], JSON.stringify(refunded));
    assert.equal((await cloudPay(fn, 'refund', back)).refundId, refunded.refundId);
    await until(async () => (await told(no)).length === 2, 'its function is told of the refund');
    const { event } = (await told(no)).find((d) => d.event.refundStatus);
    assert.deepEqual([event.refundStatus, event.refundFee, event.outRefundNo], ['SUCCESS', 80, `${no}-r1`]);
    const refunds = await cloudPay(fn, 'queryRefund', { outTradeNo: no, subMchId: mchid });
    assert.deepEqual([refunds.resultCode, refunds.refundCount, refunds.refundStatusList, refunds.refundFeeList],
      ['SUCCESS', 1, ['SUCCESS'], [80]], JSON.stringify(refunds));
  });

const one = 'pay402';

test('what WeChat or the order refuses is an answer, as authors expect it', { skip }, async () => {
  await cloudPay(one, 'unifiedOrder', order('cloudpay-refused-1', 100));
  await control(stack, 'pay', { out_trade_no: 'cloudpay-refused-1' });
  await untilState(db, 'cloudpay-refused-1', 'SUCCESS');
  const again = await cloudPay(one, 'unifiedOrder', order('cloudpay-refused-1', 100));
  assert.deepEqual([again.returnCode, again.resultCode, again.errCode], ['SUCCESS', 'FAIL', 0]);
  const more = await cloudPay(one, 'refund', { outTradeNo: 'cloudpay-refused-1', outRefundNo: 'r1', totalFee: 100, refundFee: 101 });
  assert.deepEqual([more.resultCode, /100 fen .* are left/.test(more.errCodeDes)], ['FAIL', true]);
  const none = await cloudPay(one, 'queryOrder', { outTradeNo: 'cloudpay-nobody' });
  assert.equal(none.resultCode, 'FAIL');
  const merchant = await cloudPay(one, 'unifiedOrder', { ...order('cloudpay-refused-2', 1), subMchId: '1' });
  assert.deepEqual([merchant.returnCode, /no merchant of this server/.test(merchant.returnMsg)], ['FAIL', true]);
  const env = await cloudPay(one, 'unifiedOrder', { ...order('cloudpay-refused-3', 1), envId: 'elsewhere' });
  assert.match(env.returnMsg, /envId/);
  const fee = await cloudPay(one, 'unifiedOrder', { ...order('cloudpay-refused-4', 1), totalFee: 1.5 });
  assert.match(fee.returnMsg, /total_fee/);
  const unknown = await cloudPay(one, 'profitSharing', {});
  assert.match(unknown.thrown, /not offered/);
});

test('closed is closed', { skip }, async () => {
  await cloudPay(one, 'unifiedOrder', order('cloudpay-close-1', 100));
  const closed = await cloudPay(one, 'closeOrder', { outTradeNo: 'cloudpay-close-1', subMchId: mchid });
  assert.deepEqual([closed.returnCode, closed.resultCode], ['SUCCESS', 'SUCCESS'], JSON.stringify(closed));
  assert.equal((await cloudPay(one, 'queryOrder', { outTradeNo: 'cloudpay-close-1' })).tradeState, 'CLOSED');
});

test('a bill comes as text, and packed', { skip }, async () => {
  const day = new Date(clock.now() + 8 * 3600000).toISOString().slice(0, 10).replace(/-/g, '');
  clock.move(86400);
  token = (await stack.login()).accessToken;
  const { data } = await cloudPay(one, 'downloadBill', { billDate: day, billType: 'ALL', subMchId: mchid });
  assert.match(data, /交易时间/);
  assert.match(data, /cloudpay-pay402/);
  const packed = await cloudPay(one, 'downloadBill', { billDate: day, billType: 'ALL', tarType: 'GZIP', subMchId: mchid });
  assert.equal(gunzipSync(Buffer.from(packed.data.data)).toString(), data);
  const flow = await cloudPay(one, 'downloadFundflow', { billDate: day, accountType: 'Basic', subMchId: mchid });
  assert.deepEqual([flow.resultCode, /资金流水总笔数/.test(flow.data)], ['SUCCESS', true], JSON.stringify(flow));
  const old = await cloudPay(one, 'downloadBill', { billDate: '20200101', billType: 'ALL', subMchId: mchid });
  assert.equal(old.returnCode, 'FAIL');
  clock.move(86400);
  token = (await stack.login()).accessToken;
  const next = new Date(clock.now() - 16 * 3600000).toISOString().slice(0, 10).replace(/-/g, '');
  const none = await cloudPay(one, 'downloadBill', { billDate: next, billType: 'ALL', subMchId: mchid });
  assert.deepEqual([none.returnCode, none.returnMsg], ['FAIL', 'No Bill Exist']);
});
