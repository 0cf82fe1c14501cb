// The database from a function in C: every call of mpcloud.h, and a transfer
// between accounts under contention.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { callFunction, join, source, startStack } from '../lib/stack.mjs';

let stack, token;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/native-db'), gateways: 2,
    set: { 'database.transactions': 50 } });
  token = stack.token('oNativeDbUserAbcdef01234567');
});
after(() => stack?.stop());

const call = async (how, more = {}) => callFunction(stack, 'ledger', { how, ...more }, token);
const ok = async (how, more) => {
  const { status, body } = await call(how, more);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};

test('documents are added, found, counted and gathered', async () => {
  assert.match(await ok('fill'), /^[0-9a-f]{32}$/);
  assert.deepEqual(await ok('find'), [{ word: 'three' }]);
  assert.equal(await ok('count'), 2);
  assert.deepEqual(await ok('aggregate'), [{ _id: null, sum: 6 }]);
});

test('a document is set, changed and given back', async () => {
  assert.deepEqual(await ok('changeOne'), [{ _id: 'fixed', n: 8 }, null]);
});

test('a transaction that is rolled back did nothing', async () => {
  assert.equal(await ok('rollback'), 4);
});

test('what is wrong is said', async () => {
  assert.match((await call('wrong')).body.message, /DATABASE_INVALID_OPERRATOR.*\$no/);
  assert.match((await call('noJson')).body.message, /stages: not valid JSON/);
  assert.match((await call('noTransaction')).body.message, /no transaction is open/);
});

test('transfers at once neither make nor lose money', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => call('transfer', { by: 5 })));
  const done = answers.filter(({ body }) => body.ok === true).length;
  // The rest were refused for want of money, or gave up after four conflicts.
  for (const { status, body } of answers)
    if (status !== 200) assert.match(body.message, /DATABASE_TRANSACTION_CONFLICT/);
  assert.ok(done > 0 && done <= 20, String(done));
  const { body } = await call('transfer', { by: 100 - 5 * done });
  assert.equal(body.ok, true, JSON.stringify(body));
  assert.equal((await call('transfer', { by: 1 })).body.ok, false);
});
