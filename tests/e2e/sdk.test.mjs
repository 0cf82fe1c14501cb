// Unmodified wx-server-sdk 2.6.3 and 4.0.2 inside deployed functions: the steps
// a mini program's backend takes, with the results and errors that CloudBase's
// SDK documents (error numbers are those of its own table).

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { callFunction, join, lacksPackages, source, startStack } from '../lib/stack.mjs';

const clients = { 'wx-263': 'wx-server-sdk-2.6.3', 'wx-402': 'wx-server-sdk-4.0.2' };
const lacks = (name) => lacksPackages(`tests/clients/${clients[name]}`);

let stack, token;
before(async () => {
  if (Object.keys(clients).every(lacks)) return;
  stack = await startStack({ project: join(source, 'tests/e2e/project'), gateways: 2 });
  token = stack.token('oSdkUserAbcdef0123456789');
});
after(() => stack?.stop());

for (const name of Object.keys(clients)) {
  const skip = lacks(name);
  const mark = `mark-${name}`;
  const step = async (what, more = {}) => {
    const { status, body } = await callFunction(stack, name, { step: what, mark, ...more }, token);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const ok = async (what, more) => {
    const answer = await step(what, more);
    assert.ok('ok' in answer, `${what}: ${JSON.stringify(answer)}`);
    return answer.ok;
  };

  test(`${name}: getWXContext names the caller`, { skip }, async () => {
    const context = await ok('context');
    assert.equal(context.OPENID, 'oSdkUserAbcdef0123456789');
    assert.match(context.APPID, /^wx[0-9a-f]{16}$/);
    assert.equal(context.SOURCE, 'wx_client');
  });

  test(`${name}: add, get, where, update and remove a document`, { skip }, async () => {
    const added = await ok('add');
    assert.equal(added.errMsg, 'collection.add:ok');
    const id = added._id;
    assert.equal(typeof id, 'string');

    const got = await ok('get', { id });
    assert.equal(got.errMsg, 'document.get:ok');
    const { at, ...rest } = got.data;
    assert.ok(Date.now() - Date.parse(at) < 600000, `serverDate gave ${at}`);
    assert.deepEqual(rest, { _id: id, mark, n: 3, f: 1.5, big: 5000000000,
      when: '2020-01-01T00:00:00.000Z', list: [1, 'x', null], deep: { k: true, name: '名' } });

    const found = await ok('where');
    assert.equal(found.errMsg, 'collection.get:ok');
    assert.deepEqual(found.data.map((d) => d._id), [id]);
    assert.equal((await ok('count')).total, 1);

    assert.deepEqual((await ok('update', { id })).stats, { updated: 1 });
    const updated = (await ok('get', { id })).data;
    assert.equal(updated.n, 5);
    assert.deepEqual(updated.deep, { k: true, name: 'new' });

    assert.deepEqual((await ok('updateWhere')).stats, { updated: 1 });
    assert.deepEqual((await ok('remove', { id })).stats, { removed: 1 });
    assert.equal((await ok('count')).total, 0);
  });

  test(`${name}: set creates and replaces`, { skip }, async () => {
    const id = `set-${name}`;
    assert.deepEqual((await ok('set', { id })).stats, { updated: 0, created: 1 });
    assert.deepEqual((await ok('set', { id })).stats, { updated: 1, created: 0 });
    assert.deepEqual((await ok('get', { id })).data, { _id: id, mark: 'set', n: 1 });
  });

  test(`${name}: what is not there is said as CloudBase says it`, { skip }, async () => {
    const missing = await step('missing', { id: 'no-such-id' });
    assert.match(missing.errMsg, /document\.get:fail document with _id no-such-id does not exist/);
    const none = await step('noCollection');
    assert.equal(none.errCode, -502005);
    assert.match(none.errMsg, /Db or Table not exist: nowhere/);
    assert.deepEqual((await ok('nearNothing')).data, []);
  });

  test(`${name}: callFunction reaches another function as the same user`, { skip }, async () => {
    const answer = await ok('call', { data: { x: 1 } });
    assert.equal(answer.errMsg, 'callFunction:ok');
    assert.equal(answer.result.openid, 'oSdkUserAbcdef0123456789');
    assert.equal(answer.result.event.x, 1);
    assert.match(answer.result.source, /^wx_client,scf$/);
    const missing = await step('callMissing');
    assert.match(missing.errMsg, /FUNCTION_NOT_FOUND|not found|no function/i);
  });
}
