// A payment's way from WeChat's callback to the author's function, with each
// trouble by itself: what is genuine is applied once, what is not is refused or
// kept apart, what is lost is asked for.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { Clock, Db, control, metrics, pay, startPay, untilState } from '../lib/pay.mjs';
import { until } from '../lib/stack.mjs';

let clock, stack, db, token;
before(async () => {
  clock = new Clock();
  // Whoever calls back is not held up by limits.
  stack = await startPay({ clock, gateways: 2, set: { 'limits.ip_rate': 600, 'limits.ip_burst': 100,
    'pay.certificates': 'yes' } });
  db = new Db(stack);
  token = (await stack.login()).accessToken;
});
after(async () => {
  await db?.end();
  await stack?.stop();
  clock?.end();
});

let last = 0;
const number = (what) => `${what}-${String(++last).padStart(4, '0')}`;
async function place(what, more = {}) {
  const outTradeNo = number(what);
  const { data, message } = await pay(stack, token, 'order', { outTradeNo, description: 'Tea', total: 100 + last,
    function: 'paid', ...more });
  assert.ok(data, message);
  return { outTradeNo, payment: data.payment, total: 100 + last };
}
const userPays = (order) => control(stack, 'pay', { out_trade_no: order.outTradeNo });
const fault = (kind, more = {}) => control(stack, 'notify-fault', { kind, ...more });
const deliveries = async (order) => (await control(stack, `notifications?out_trade_no=${order.outTradeNo}`)).deliveries;
const inbox = (order) => db.rows('select * from mpcloud.pay_inbox where out_trade_no = $1 order by id', order.outTradeNo);
const calls = (order) => db.rows(`select kind, function, state, attempts from mpcloud.queue
  where event::jsonb ->> 'outTradeNo' = $1 order by kind`, order.outTradeNo);
const counted = async (outcome) => (await metrics(stack)).callbacks_total[outcome];
const fulfilled = (order) => until(async () => (await db.docs('fulfilments', `_id = '${order.outTradeNo}'`)).length === 1,
  `${order.outTradeNo} is fulfilled`);
// However often it was told.
async function assertOnce(order) {
  await untilState(db, order.outTradeNo, 'SUCCESS');
  await fulfilled(order);
  await until(async () => (await calls(order)).every((c) => c.state === 'done'), 'its calls are done');
  assert.deepEqual((await calls(order)).map((c) => `${c.kind} ${c.function}`), ['cloudpay paid', 'pay heard']);
  assert.equal((await inbox(order)).filter((i) => i.outcome === 'applied').length <= 1, true);
}

test('the payment is verified, stored, applied, answered, and then told to both functions', async () => {
  const order = await place('plain', { attach: 'table 7' });
  assert.equal((await pay(stack, token, 'get', order.outTradeNo)).data.state, 'NOTPAY');
  const { transaction_id } = await userPays(order);
  await assertOnce(order);
  const row = await db.order(order.outTradeNo);
  assert.deepEqual([row.transaction_id, row.told_by, row.poll_at, row.payer_total],
    [transaction_id, 'notify', null, String(order.total)]);
  const { data } = await pay(stack, token, 'get', order.outTradeNo);
  assert.deepEqual([data.state, data.transactionId], ['SUCCESS', transaction_id]);
  assert.ok(Math.abs(Date.parse(data.paidAt) - clock.now()) < 60000);
  const [kept] = await inbox(order);
  assert.deepEqual([kept.outcome, kept.repeats, kept.kind], ['applied', 0, 'TRANSACTION.SUCCESS']);
  assert.equal(JSON.parse(kept.raw).resource.algorithm, 'AEAD_AES_256_GCM');
  assert.equal(kept.resource.out_trade_no, order.outTradeNo);
  assert.ok(kept.serial);
  const [{ event, trigger }] = await db.docs('tries', `doc ->> 'outTradeNo' = '${order.outTradeNo}'`);
  assert.equal(trigger, 'cloudpay');
  assert.deepEqual([event.returnCode, event.resultCode, event.outTradeNo, event.transactionId, event.totalFee, event.attach, event.feeType],
    ['SUCCESS', 'SUCCESS', order.outTradeNo, transaction_id, order.total, 'table 7', 'CNY']);
  assert.match(event.timeEnd, /^\d{14}$/);
  assert.equal(event.openid, event.userInfo.openId);
  const heard = (await db.docs('heard')).map((d) => d.event).filter((e) => e.outTradeNo === order.outTradeNo);
  assert.deepEqual(heard.map((e) => [e.type, e.event, e.total]), [['pay', 'paid', order.total]]);
  const [delivery] = await deliveries(order);
  assert.equal(delivery.status, 200);
});

test('repeated, at once, out of order: one payment is applied once', async () => {
  for (const [kind, more] of [['duplicate', { copies: 2 }], ['concurrent', { copies: 12 }]]) {
    const order = await place(kind);
    await fault(kind, { out_trade_no: order.outTradeNo, ...more });
    await userPays(order);
    await until(async () => (await deliveries(order)).length >= more.copies, 'all copies went out', 12000);
    await assertOnce(order);
    const kept = await inbox(order);
    assert.equal(kept.length, 1);
    assert.equal(kept[0].repeats, (await deliveries(order)).length - 1);
  }
  const [first, second] = [await place('later'), await place('sooner')];
  await fault('reorder', { out_trade_no: first.outTradeNo });
  await userPays(first);
  await userPays(second);
  await assertOnce(second);
  await assertOnce(first);
});

// kind: what is counted, WeChat's answer from us, what it says
const refusals = {
  signtest: ['probe', 401, /test of the signature check/],
  bad_signature: ['forged', 401, /signature/],
  stale_timestamp: ['stale', 401, /a replay/],
  no_headers: ['unsigned', 401, /proxy/],
  wrong_serial: ['unknown_key', 401, /./],
  wrong_key: ['undecryptable', 500, /APIv3 key/],
};
for (const [kind, [outcome, status, words]] of Object.entries(refusals))
  test(`a callback with ${kind} is refused, counted as ${outcome}, and the genuine one taken`, async () => {
    const order = await place(kind.replace(/_/g, ''));
    const before = await counted(outcome);
    await fault(kind, { out_trade_no: order.outTradeNo });
    await userPays(order);
    const [delivery] = await until(async () => {
      const all = await deliveries(order);
      return all.length && all.filter((d) => d.kind === kind || d.fault === kind);
    }, 'it was delivered');
    assert.equal(delivery.status, status, JSON.stringify(delivery));
    assert.equal(await counted(outcome), before + 1);
    assert.match(stack.daemonLog().split('\n').filter((l) => /pay\.(probe|callback)/.test(l)).at(-1), words);
    await control(stack, 'notify', { out_trade_no: order.outTradeNo });
    await assertOnce(order);
  });

// Both once right after a number that nobody knows, which was looked for in vain,
// and with downloads that fail.
test('a new certificate is known at the first callback that is signed with it', async () => {
  const stranger = await place('stranger');
  await fault('wrong_serial', { out_trade_no: stranger.outTradeNo });
  await control(stack, 'rotate', { what: 'certificate', public_key_percent: 0 });
  await control(stack, 'fault', { path: '/v3/certificates', kind: 'busy', count: 1 });
  const orders = [stranger];
  for (let i = 0; i < 8; i++) orders.push(await place('new'));
  try {
    await Promise.all(orders.map(userPays));
    for (const order of orders.slice(1)) {
      await assertOnce(order);
      const all = await deliveries(order);
      assert.deepEqual(all.map((d) => d.status), [200], JSON.stringify(all));
      assert.equal((await db.order(order.outTradeNo)).told_by, 'notify');
    }
    // Sent anew before it is answered, the first would not be counted.
    await until(async () => (await deliveries(stranger)).length > 0, 'it was turned away');
    await control(stack, 'notify', { out_trade_no: stranger.outTradeNo });
    await assertOnce(stranger);
    assert.deepEqual((await deliveries(stranger)).map((d) => d.status), [401, 200]);
  } finally {
    await control(stack, 'rotate', { what: 'certificate', public_key_percent: 100 });
  }
});

// Anybody can send a number; only what WeChat Pay sealed is worth a question.
test('a stranger\'s callback with an unknown number makes us ask WeChat for nothing', async () => {
  const asked = async () => (await (await fetch(`${stack.sandbox}/sandbox/counts`)).json())['/v3/certificates'];
  const before = await asked();
  assert.ok(before > 0);
  const headers = { 'Wechatpay-Timestamp': String(Math.floor(clock.now() / 1000)), 'Wechatpay-Nonce': 'n',
    'Wechatpay-Serial': '5A5A5A5A5A5A5A5A', 'Wechatpay-Signature': 'AAAA' };
  const resource = { algorithm: 'AEAD_AES_256_GCM', nonce: '0123456789ab', associated_data: 'transaction',
    original_type: 'transaction', ciphertext: Buffer.alloc(64).toString('base64') };
  for (const body of ['{}', 'no JSON', JSON.stringify({ id: 'x', event_type: 'TRANSACTION.SUCCESS', resource })]) {
    const answer = await fetch(`${stack.url}/v1/pay/notify`, { method: 'POST', headers, body });
    assert.equal(answer.status, 401, body);
    assert.match(await answer.text(), /no key of the serial number 5A5A/);
  }
  assert.equal(await asked(), before);
});

test('while the database is away WeChat is answered 503 or 504 within its five seconds, and its repeat is taken', async () => {
  const order = await place('away');
  const { database } = db.pool.options;
  const other = new Db(stack, 'template1');
  await other.rows(`alter database "${database}" with allow_connections false`);
  try {
    await other.rows('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', database);
    await userPays(order);
    const [first] = await until(async () => {
      const all = await deliveries(order);
      return all.length && all;
    }, 'it was delivered', 12000);
    assert.match(String(first.status), /^50[34]$/, JSON.stringify(first));
  } finally {
    await other.rows(`alter database "${database}" with allow_connections true`);
    await other.end();
  }
  await until(async () => {
    try { return (await inbox(order)).length === 0; } catch { return false; }
  }, 'the database answers');
  await until(async () => {
    if ((await deliveries(order)).some((d) => d.status === 200)) return true;
    // Sooner than any question.
    await control(stack, 'notify', { out_trade_no: order.outTradeNo });
    return false;
  }, 'it was taken');
  await assertOnce(order);
  assert.ok((await deliveries(order)).every((d) => [503, 504, 200].includes(d.status)));
  assert.equal((await db.order(order.outTradeNo)).told_by, 'notify');
});

test('what does not fit the order is kept apart, told to nobody, and answered 200', async () => {
  for (const kind of ['amount', 'appid', 'currency', 'openid', 'order']) {
    const order = await place(kind);
    const before = await counted('quarantined');
    await fault(kind, { out_trade_no: order.outTradeNo });
    await userPays(order);
    await until(async () => await counted('quarantined') === before + 1, `${kind} is quarantined`);
    const [delivery] = await deliveries(order);
    assert.equal(delivery.status, 200);
    assert.equal((await db.order(order.outTradeNo)).state, 'NOTPAY');
    assert.deepEqual(await calls(order), []);
    const [kept] = await db.rows("select * from mpcloud.pay_inbox where outcome = 'quarantined' order by id desc limit 1");
    assert.ok(kept.why, kind);
    assert.match(stack.daemonLog().split('\n').filter((l) => l.includes('pay.quarantined')).at(-1), /"level":"error"/);
    // WeChat, asked, says how it really is.
    clock.move(6);
    await assertOnce(order);
  }
});

test('a lost callback is made up for by asking', async () => {
  const order = await place('lost');
  await fault('drop', { out_trade_no: order.outTradeNo, deliveries: 100 });
  await userPays(order);
  clock.move(6);
  await assertOnce(order);
  assert.equal((await db.order(order.outTradeNo)).told_by, 'query');
  assert.deepEqual(await inbox(order), []);
  await fault('none');
});

test('a late one after the question changes nothing more', async () => {
  const order = await place('late');
  await fault('drop', { out_trade_no: order.outTradeNo });
  await userPays(order);
  assert.equal((await pay(stack, token, 'query', order.outTradeNo)).data.state, 'SUCCESS');
  await control(stack, 'notify', { out_trade_no: order.outTradeNo });
  await until(async () => (await inbox(order)).length === 1, 'it came');
  assert.equal((await inbox(order))[0].outcome, 'repeat');
  await assertOnce(order);
});

test('a function that does not say {errcode: 0} hears it again', async () => {
  for (const attach of ['refuse', 'silent']) {
    const order = await place(attach, { attach });
    await userPays(order);
    await fulfilled(order);
    assert.equal((await db.docs('tries', `doc ->> 'outTradeNo' = '${order.outTradeNo}'`)).length, 2);
    await until(async () => (await calls(order))[0].state === 'done', 'it is done');
    assert.equal((await calls(order))[0].attempts, 2);
  }
});

test('closing: nobody can pay it any more; what is paid stays paid', async () => {
  const order = await place('close');
  assert.equal((await pay(stack, token, 'close', order.outTradeNo)).data.state, 'CLOSED');
  await assert.rejects(userPays(order), /closed/);
  assert.equal((await pay(stack, token, 'order', { outTradeNo: order.outTradeNo })).code, 'CONFLICT');
  const paid = await place('close');
  await fault('drop', { out_trade_no: paid.outTradeNo });
  await userPays(paid);
  const { code, message } = await pay(stack, token, 'close', paid.outTradeNo);
  assert.equal(code, 'CONFLICT');
  assert.match(message, /refund/);
  await assertOnce(paid);
});

test('an order nobody pays is closed at its end, at WeChat and here', async () => {
  const order = await place('end', { expireAt: Math.floor(clock.now()) + 120000 });
  clock.move(121);
  await until(async () => {
    // The next question comes with its end.
    const o = await db.order(order.outTradeNo);
    if (o.state === 'CLOSED') return true;
    clock.move(30);
    return false;
  }, 'it is closed');
  const [there] = await control(stack, `orders?out_trade_no=${order.outTradeNo}`);
  assert.equal(there.trade_state, 'CLOSED');
});

test('users look at their own orders, close them, and ask WeChat within measure', async () => {
  const order = await place('rest');
  const rest = async (path, method = 'GET', who = token) => {
    const answer = await fetch(`${stack.url}/v1/pay/orders/${order.outTradeNo}${path}`, { method,
      headers: { authorization: `Bearer ${who}` } });
    return { status: answer.status, body: await answer.json(), after: answer.headers.get('retry-after') };
  };
  const stranger = (await stack.login()).accessToken;
  assert.equal((await rest('', 'GET', stranger)).status, 404);
  assert.equal((await rest('/close', 'POST', stranger)).status, 404);
  await fault('drop', { out_trade_no: order.outTradeNo });
  await userPays(order);
  assert.equal((await rest('')).body.state, 'NOTPAY');
  assert.equal((await rest('?refresh=true')).body.state, 'SUCCESS');
  const many = await Promise.all(Array.from({ length: 10 }, () => rest('?refresh=true')));
  const limited = many.filter((a) => a.status === 429);
  assert.ok(limited.length >= 4, many.map((a) => a.status).join());
  assert.ok(limited.every((a) => Number(a.after) > 0));
  assert.equal((await rest('')).status, 200);
  assert.equal((await rest('/close', 'POST')).status, 409);
});

test('strangers get WeChat\'s form of a refusal, and no limit holds WeChat up', async () => {
  const post = async (path, body, headers = {}) => {
    const answer = await fetch(`${stack.url}${path}`, { method: 'POST', body, headers });
    return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
  };
  const bare = await post('/v1/pay/notify', '{}');
  assert.equal(bare.status, 401);
  assert.deepEqual(Object.keys(JSON.parse(bare.text)), ['code', 'message']);
  assert.equal(JSON.parse(bare.text).code, 'FAIL');
  assert.equal((await post('/v1/pay/notify/nobody', '{}')).status, 404);
  const v2 = await post('/v1/pay/notify-v2/nobody', '<xml></xml>');
  assert.match(v2.text, /^<xml><return_code><!\[CDATA\[FAIL\]\]><\/return_code><return_msg><!\[CDATA\[.*\]\]><\/return_msg><\/xml>$/);
  assert.match(v2.type, /xml/);
  assert.equal((await post('/v1/pay/notify', 'x'.repeat(70000))).status, 413);
  assert.equal((await fetch(`${stack.url}/v1/pay/notify`)).status, 405);
  const all = await Promise.all(Array.from({ length: 300 }, () => post('/v1/pay/notify', '{}')));
  assert.deepEqual([...new Set(all.map((a) => a.status))], [401]);
});

test('WeChat is answered within its second', async (t) => {
  const orders = [];
  for (let i = 0; i < 20; i++) orders.push(await place('quick'));
  await Promise.all(orders.map(userPays));
  for (const order of orders) await assertOnce(order);
  const took = (await Promise.all(orders.map(deliveries))).flat().map((d) => d.ms ?? d.took_ms).sort((a, b) => a - b);
  t.diagnostic(`ms from callback to answer, 20 at once: median ${took[10]}, longest ${took.at(-1)}`);
  assert.ok((await Promise.all(orders.map(deliveries))).flat().every((d) => d.status === 200));
});
