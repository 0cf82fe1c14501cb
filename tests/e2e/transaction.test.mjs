// Transactions through the daemon, two gateways: what CloudBase's own tests ask
// of them, each call on a connection of its own, so that half of them reach the
// gateway that does not hold the transaction.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { callFunction, join, lacksPackages, source, startStack, until } from '../lib/stack.mjs';
import { opsCall, Tx } from '../lib/ops.mjs';

const CONFLICT = { code: 'DATABASE_TRANSACTION_CONFLICT', message: '[ResourceUnavailable.TransactionConflict] Transaction is conflict, maybe resource operated by others. Please check your request, but if the problem persists, contact us.' };
const NOT_THERE = { code: 'DATABASE_TRANSACTION_FAIL', message: '[ResourceUnavailable.TransactionNotExist] Transaction does not exist on the server, transaction must be commit or abort in 30 seconds. Please check your request, but if the problem persists, contact us.' };

const clients = { 'wx-263': 'wx-server-sdk-2.6.3', 'wx-402': 'wx-server-sdk-4.0.2',
  'node-3183': 'cloudbase-node-sdk-3.18.3' };
const lacks = (client) => lacksPackages(`tests/clients/${client}`);

// The project of the other tests with one more function: the wx SDK's, by
// node-sdk.
function layOut() {
  const dir = mkdtempSync(join(tmpdir(), 'mpc-tx-'));
  cpSync(join(source, 'tests/e2e/project'), dir, { recursive: true });
  if (lacks(clients['node-3183'])) return dir;
  const to = join(dir, 'cloudfunctions/node-3183');
  mkdirSync(to);
  const index = readFileSync(join(dir, 'cloudfunctions/wx-402/index.js'), 'utf8')
    .replace("const cloud = require('wx-server-sdk');", "const sdk = require('@cloudbase/node-sdk');")
    .replace(/cloud\.init\(.*\);/, 'const cloud = sdk.init({ env: sdk.SYMBOL_CURRENT_ENV });')
    .replaceAll(/update\(\{ data: (.*?) \}\);/g, 'update($1);');
  writeFileSync(join(to, 'index.js'), index);
  writeFileSync(join(to, 'package.json'), JSON.stringify({ name: 'node-3183', dependencies: { '@cloudbase/node-sdk': '3.18.3' } }));
  const rc = join(dir, 'cloudbaserc.json');
  const all = JSON.parse(readFileSync(rc, 'utf8'));
  all.functions.push({ ...all.functions.find((f) => f.name === 'wx-402'), name: 'node-3183' });
  writeFileSync(rc, JSON.stringify(all));
  return dir;
}

let stack, project;
before(async () => {
  project = layOut();
  stack = await startStack({ project, gateways: 2,
    set: { 'database.transaction_life': '6s', 'database.transactions': '8' } });
  await ok('database.addCollection', { collectionName: 'acc' });
});
after(async () => {
  await stack?.stop();
  rmSync(project, { recursive: true, force: true });
});

const start = () => Tx.start(stack);

async function ok(action, body) {
  const answer = await opsCall(stack, action, body);
  assert.equal(answer.code, undefined, JSON.stringify(answer));
  return answer;
}

// Fresh documents of these names: {_id, n: 1}.
async function lay(...ids) {
  await ok('database.removeDocument', { collectionName: 'acc', queryType: 'WHERE', query: '{}', multi: true });
  await ok('database.insertDocument', { collectionName: 'acc',
    data: ids.map((_id) => JSON.stringify({ _id, n: 1 })) });
}

async function plainGet(_id) {
  const { data } = await ok('database.getDocument', { collectionName: 'acc', queryType: 'DOC',
    query: JSON.stringify({ _id }) });
  return data.list.length ? JSON.parse(data.list[0]) : null;
}

const plainUpdate = (_id, change) => ok('database.modifyDocument', { collectionName: 'acc', queryType: 'DOC',
  query: JSON.stringify({ _id }), data: JSON.stringify(change), multi: false, merge: true, upsert: false });

const forwarded = () => stack.daemonLog().split('\n').filter((l) => l.includes('/gateway/call')).length;

test('a transaction goes on whatever gateway its calls reach', async () => {
  await lay('a');
  const before = forwarded();
  const tx = await start();
  assert.match(tx.id, /^t[01]-[0-9a-f]{32}$/);
  let n = 1;
  await until(async () => {
    await tx.update('acc', 'a', { $inc: { n: 1 } });
    assert.equal((await tx.get('acc', 'a')).n, ++n);
    return n > 20 && forwarded() > before;
  }, 'a call reaches the other gateway', 2000);
  assert.equal((await plainGet('a')).n, 1);
  assert.ok((await tx.commit()).requestId);
  assert.equal((await plainGet('a')).n, n);
  await assert.rejects(tx.get('acc', 'a'), NOT_THERE);
});

test('get, add, update, set, upsert and remove inside, seen by nobody until the commit', async () => {
  await lay('a', 'b');
  const tx = await start();
  assert.equal(await tx.get('acc', 'nobody'), null);
  assert.equal(await tx.update('acc', 'a', { $set: { deep: { x: 1 } } }), 1);
  assert.equal(await tx.update('acc', 'nobody', { $set: { x: 1 } }), 0);
  assert.equal((await tx.set('acc', 'new', { n: 7 })).upsert_id, 'new');
  assert.deepEqual(await tx.get('acc', 'new'), { _id: 'new', n: 7 });
  const made = await tx.add('acc', { x: 1 });
  assert.deepEqual(await tx.get('acc', made), { _id: made, x: 1 });
  assert.equal(await tx.remove('acc', 'b'), 1);
  assert.equal(await tx.get('acc', 'b'), null);
  assert.deepEqual(await plainGet('b'), { _id: 'b', n: 1 });
  assert.equal(await plainGet('new'), null);
  await tx.commit();
  assert.deepEqual(await plainGet('a'), { _id: 'a', n: 1, deep: { x: 1 } });
  assert.equal(await plainGet('b'), null);
  assert.deepEqual(await plainGet('new'), { _id: 'new', n: 7 });
});

test('an abort leaves nothing', async () => {
  await lay('a');
  const tx = await start();
  await tx.remove('acc', 'a');
  assert.ok((await tx.abort()).requestId);
  assert.deepEqual(await plainGet('a'), { _id: 'a', n: 1 });
  await assert.rejects(tx.commit(), NOT_THERE);
  await assert.rejects(tx.abort(), NOT_THERE);
});

test('the snapshot is that of the first operation; reads are not skewed', async () => {
  await lay('a', 'b');
  const tx = await start();
  await plainUpdate('a', { $set: { n: 2 } });
  assert.equal((await tx.get('acc', 'a')).n, 2);
  await plainUpdate('a', { $set: { n: 3 } });
  await plainUpdate('b', { $set: { n: 3 } });
  assert.equal((await tx.get('acc', 'a')).n, 2);
  assert.equal((await tx.get('acc', 'b')).n, 1);
  await assert.rejects(tx.update('acc', 'b', { $set: { n: 4 } }), CONFLICT);
  await assert.rejects(tx.get('acc', 'b'), NOT_THERE);
});

test('a write to what another transaction wrote is a conflict at once', async () => {
  await lay('a');
  const [one, two] = [await start(), await start()];
  await one.get('acc', 'a');
  await two.update('acc', 'a', { $set: { n: 2 } });
  const from = Date.now();
  await assert.rejects(one.update('acc', 'a', { $set: { n: 3 } }), CONFLICT);
  assert.ok(Date.now() - from < 1500, 'it did not wait for the other');
  await two.commit();
  assert.equal((await plainGet('a')).n, 2);
});

test('of two that remove or add the same document one is a conflict', async () => {
  await lay('a');
  for (const act of [(tx) => tx.remove('acc', 'a'), (tx) => tx.add('acc', { _id: 'new' }),
    (tx) => tx.set('acc', 'upserted', { n: 1 })]) {
    const [one, two] = [await start(), await start()];
    await two.get('acc', 'a');
    await act(one);
    await assert.rejects(act(two), CONFLICT);
    await one.abort();
  }
});

test('a plain write waits until the transaction has ended', async () => {
  await lay('a', 'b');
  const tx = await start();
  await tx.update('acc', 'a', { $inc: { n: 10 } });
  let done = false;
  const writes = [1, 2, 3, 4, 5, 6].map(() => plainUpdate('a', { $inc: { n: 1 } }).then(() => { done = true; }));
  // Those that wait hold up nobody else.
  for (let i = 0; i < 20; i++) await plainUpdate('b', { $inc: { n: 1 } });
  assert.equal(done, false);
  await tx.commit();
  await Promise.all(writes);
  assert.equal((await plainGet('a')).n, 17);
  assert.equal((await plainGet('b')).n, 21);
});

test('write skew is let through, as snapshot isolation has it', async () => {
  await lay('a', 'b');
  const [one, two] = [await start(), await start()];
  await one.get('acc', 'a');
  await two.get('acc', 'b');
  await one.update('acc', 'b', { $set: { n: 0 } });
  await two.update('acc', 'a', { $set: { n: 0 } });
  await one.commit();
  await two.commit();
  assert.deepEqual([(await plainGet('a')).n, (await plainGet('b')).n], [0, 0]);
});

test('an error inside ends the transaction, as MongoDB does it', async () => {
  await lay('a');
  const tx = await start();
  await tx.update('acc', 'a', { $set: { n: 5 } });
  await assert.rejects(tx.add('acc', { _id: 'a' }), { code: 'DATABASE_REQUEST_FAILED' });
  await assert.rejects(tx.commit(), NOT_THERE);
  assert.equal((await plainGet('a')).n, 1);
});

test('one that is left alone is rolled back and its locks are let go', async () => {
  await lay('a');
  const tx = await start();
  await tx.update('acc', 'a', { $set: { n: 5 } });
  await plainUpdate('a', { $inc: { n: 1 } }); // waits for the end of its life
  assert.equal((await plainGet('a')).n, 2);
  await assert.rejects(tx.commit(), NOT_THERE);
});

test('more than may be open are refused, and the setting is named', async () => {
  const open = [];
  let refused;
  while (!refused && open.length < 30)
    await start().then((tx) => open.push(tx), (answer) => { refused = answer; });
  assert.equal(refused.code, 'EXCEED_CONCURRENT_REQUEST_LIMIT');
  assert.match(refused.message, /database\.transactions/);
  assert.ok(open.length >= 8 && open.length <= 16, `${open.length}`);
  await Promise.all(open.map((tx) => tx.abort()));
});

test('ids that are none, and those of gateways that are none', async () => {
  for (const id of ['t0-00000000000000000000000000000000', 't99-00', 't1-', 'x', 'tx1'])
    await assert.rejects(new Tx(stack, id).get('acc', 'a'), NOT_THERE, id);
  const none = await opsCall(stack, 'database.commitTransaction');
  assert.equal(none.code, NOT_THERE.code);
});

test('users start transactions, too, and find their own only', async () => {
  const web = async (body, token) => (await fetch(`${stack.url}/web`, { method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body) })).json();
  const [ann, bob] = [stack.token('oTxAnn0123456789012345678'), stack.token('oTxBob0123456789012345678')];
  const { transactionId } = await web({ action: 'database.startTransaction' }, ann);
  assert.ok(transactionId);
  const commit = { action: 'database.commitTransaction', transactionId };
  assert.equal((await web(commit, bob)).code, NOT_THERE.code);
  assert.equal((await new Tx(stack, transactionId).commit().catch((e) => e)).code, NOT_THERE.code);
  assert.equal((await web(commit, ann)).code, undefined);
});

test('a call in another gateway\'s name without its key is refused', async () => {
  const tx = await start();
  const body = JSON.stringify({ at: Date.now(), role: 3, form: 2, sid: '0', uid: '', appid: '', openid: '',
    unionid: '', requestId: 'x', clientIp: '', source: '', call: { action: 'database.commitTransaction', transactionId: tx.id } });
  for (const headers of [{}, { 'X-Mpcloud-Sign': '' }, { 'X-Mpcloud-Sign': '0'.repeat(64) }]) {
    const status = await new Promise((done, fail) => {
      request({ socketPath: join(stack.run, 'run', 'cloud', 'cloud-0.sock'), method: 'POST', path: '/gateway/call', headers },
        (answer) => { answer.resume(); done(answer.statusCode); }).on('error', fail).end(body);
    });
    assert.equal(status, 401);
  }
  assert.equal((await fetch(`${stack.url}/gateway/call`, { method: 'POST', body })).status, 404);
  await tx.abort();
});

async function transfer(name, event) {
  const { status, body } = await callFunction(stack, name, { step: 'transfer', ...event },
    stack.token('oTxSdk0123456789012345678'));
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

for (const [name, client] of Object.entries(clients))
  test(`${client}: runTransaction commits, rolls back, and meets a conflict`, { skip: lacks(client) }, async () => {
    await lay('a', 'b');
    assert.deepEqual(await transfer(name, { from: 'a', to: 'b', amount: 1 }), { ok: { sum: 2, tries: 1 } });
    assert.deepEqual(await transfer(name, { from: 'a', to: 'b', amount: 1 }), { ok: { refused: 'too little' } });
    // Another changes a document in between.  node-sdk runs it again; the wx
    // SDKs wrap the error and lose the code by which they would.
    const told = await transfer(name, { from: 'b', to: 'a', amount: 1, disturb: 2 });
    if (name === 'node-3183') assert.deepEqual(told, { ok: { sum: 2, tries: 3 } });
    else assert.ok(told.message.includes(CONFLICT.message), JSON.stringify(told));
    const n = name === 'node-3183' ? [1, 1] : [0, 2];
    assert.deepEqual([(await plainGet('a')).n, (await plainGet('b')).n], n);
  });
