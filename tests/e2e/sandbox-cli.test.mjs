// `mpcloud sandbox` beside `mpcloud dev`, as somebody who tries out a project
// types it: the user pays, the callback arrives, and the server knows.
import { strict as assert } from 'node:assert';
import { after, before, test } from 'node:test';
import { startStack, until } from '../lib/stack.mjs';

let stack, token;

before(async () => {
  stack = await startStack({ functions: [], set: { 'pay.client_orders': 'yes' } });
  token = (await stack.login()).accessToken;
}, { timeout: 300000 });

after(() => stack?.stop());

async function call(path, body) {
  const answer = await fetch(stack.url + path, { method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body) });
  const data = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(data));
  return data;
}

let numbers = 0;
async function place() {
  const no = `CLI${Date.now()}${numbers += 1}`;
  await call('/v1/pay/orders', { outTradeNo: no, description: '龙井 250 g', total: 12800 });
  return no;
}

const state = async (no) => (await call(`/v1/pay/orders/${no}`)).state;

test('an order is paid on the command line, and the server hears of it', async () => {
  const no = await place();
  assert.equal(await state(no), 'NOTPAY');
  const { status, stdout, stderr } = stack.cli('sandbox', 'pay', no);
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^${no} is paid: transaction 4200\\d{24}\\.`));
  await until(async () => await state(no) === 'SUCCESS', 'the order is paid');
  const { deliveries } = stack.cliJson('sandbox', 'callbacks', no);
  assert.deepEqual(deliveries.map((d) => [d.event, Math.floor(d.status / 100)]),
    [['TRANSACTION.SUCCESS', 2]]);
});

test('lists are for people and, with --json, for programs', async () => {
  const no = await place();
  const { stdout } = stack.cli('sandbox', 'orders', '--state', 'NOTPAY');
  assert.match(stdout, /^ORDER +STATE +TOTAL/);
  assert.match(stdout, new RegExp(`${no} +NOTPAY +¥128\\.00 +- +20\\d\\d-.*龙井 250 g`));
  const [first] = stack.cliJson('sandbox', 'orders', '--limit', '1');
  assert.equal(first.out_trade_no, no);
  assert.equal(first.trade_state, 'NOTPAY');
});

test('a user who goes back, and what cannot be paid', async () => {
  const no = await place();
  assert.match(stack.cli('sandbox', 'pay', no, '--cancel').stdout, /not paid/);
  assert.equal(await state(no), 'NOTPAY');
  const nobody = stack.cli('sandbox', 'pay', 'NOBODYS');
  assert.equal(nobody.status, 1);
  assert.match(nobody.stderr, /has no order NOBODYS/);
});

test('a trouble is asked for, met and taken back', async () => {
  const no = await place();
  assert.equal(stack.cli('sandbox', 'fault', 'duplicate', '1').status, 0);
  stack.cli('sandbox', 'pay', no);
  const list = await until(() => {
    const { deliveries } = stack.cliJson('sandbox', 'callbacks', no);
    return deliveries.length === 2 && deliveries;
  }, 'both callbacks');
  assert.deepEqual(list.map((d) => d.fault), ['none', 'duplicate']);
  const wrong = stack.cli('sandbox', 'fault', 'nonsense');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /signtest/, 'it names what there is');
  assert.match(stack.cli('sandbox', 'fault', 'busy').stderr, /busy is a trouble of requests: name their path/);
  assert.equal(stack.cli('sandbox', 'fault', 'busy', '/v3/*', 'many').status, 2);
  assert.match(stack.cli('sandbox', 'fault', 'none').stdout, /taken back/);
});

test('a sandbox that is not there is named', () => {
  const { status, stderr } = stack.cli('sandbox', 'orders', '--sandbox', 'http://127.0.0.1:9');
  assert.equal(status, 3);
  assert.match(stderr, /127\.0\.0\.1:9/);
});
