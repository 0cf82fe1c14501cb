// watch() through each generation of @cloudbase/js-sdk, unmodified: what a page sees,
// over connections that are cut, gateways that are killed, sessions that end.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { join, lacksPackages, ordinaryUser, source, startStack, until } from '../lib/stack.mjs';
import { startProxy } from '../lib/proxy.mjs';
import { openWeb } from './sdk/web.mjs';

// js-sdk tells the console all it does; the runner reads our output.
for (const word of ['log', 'info', 'warn', 'error']) console[word] = () => {};

// A watch that was closed keeps the SDK's timer going for ever; not us.
const wait = globalThis.setTimeout;
globalThis.setTimeout = (fn, ms, ...rest) => {
  const timer = wait(fn, ms, ...rest);
  return ms >= 5000 ? timer.unref() : timer;
};

const SDKS = { 'cloudbase-js-sdk-1.8.4': undefined, 'cloudbase-js-sdk-2.32.0': undefined, 'cloudbase-js-sdk-3.7.0': 'GATEWAY' };
const WebSocket = lacksPackages('tests') ? null : (await import('ws')).default;

let stack;
let proxy;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/watch'), gateways: 2, owner: ordinaryUser() });
  proxy = await startProxy(stack.url);
});
after(async () => { proxy?.stop(); await stack?.stop(); });

const DOCS = (collection) => `/v1/database/instances/(default)/databases/(default)/collections/${collection}/documents`;
async function rest(token, method, path, body) {
  const answer = await fetch(stack.url + path, { method, headers: { authorization: `Bearer ${token}`,
    ...(body && { 'content-type': 'application/json' }) }, body: body && JSON.stringify(body) });
  const got = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(got));
  return got;
}
const inserts = (token, data, c = 'items') => rest(token, 'POST', DOCS(c), { data });
const updates = (token, query, data, c = 'items') => rest(token, 'PATCH', DOCS(c), { query, data, multi: true });
const removes = (token, query, c = 'items') => rest(token, 'POST', `${DOCS(c)}/remove`, { query, multi: true });

// A watch and all it said.
function follow(query) {
  const w = { changes: [], errors: [], get last() { return w.changes.at(-1); } };
  w.listener = query.watch({ onChange: (s) => w.changes.push({ type: s.type, docs: s.docs, docChanges: s.docChanges }),
    onError: (e) => w.errors.push(e) });
  w.docs = () => w.last?.docs;
  w.ids = () => w.docs()?.map((d) => d._id);
  return w;
}
// Changes after the first, as [kind, what the list did, id].
const told = (w) => w.changes.slice(1).flatMap((s) => s.docChanges.map((c) => [c.dataType, c.queueType, c.docId]));

for (const [name, mode] of Object.entries(SDKS)) {
  const skip = lacksPackages(`tests/clients/${name}`) || lacksPackages('tests');
  // One visitor for all: the SDK has one connection, of its first app, for all watches.
  let page;
  const open = () => (page ??= openWeb(join(source, 'tests/clients', name), { url: proxy.url, env: 'test', mode, wsClass: WebSocket }));
  const room = `${name}-`;

  test(`${name}: a page sees what is there and every change, in order`, { skip }, async () => {
    const token = stack.token('writer');
    const tag = `${room}order`;
    const { db } = await open();
    await inserts(token, [{ _id: `${tag}1`, tag, n: 1 }, { _id: `${tag}2`, tag, n: 2 }]);
    const w = follow(db.collection('items').where({ tag }));
    await until(() => w.changes.length, 'the first snapshot');
    assert.deepEqual(w.last.docChanges.map((c) => c.dataType), ['init', 'init']);
    assert.deepEqual(w.docs().map((d) => d.n).sort(), [1, 2]);
    await inserts(token, [{ _id: `${tag}3`, tag, n: 3, o: { a: 1 } }]);
    await updates(token, { _id: `${tag}1` }, { $set: { n: 10 }, $unset: { x: '' } });
    await updates(token, { _id: `${tag}3` }, { $set: { 'o.b': [1, 2] } });
    await updates(token, { _id: `${tag}2` }, { $set: { tag: 'elsewhere' } });
    await removes(token, { _id: `${tag}1` });
    await until(() => told(w).length >= 5, 'five changes');
    assert.deepEqual(told(w), [['add', 'enqueue', `${tag}3`], ['update', 'update', `${tag}1`], ['update', 'update', `${tag}3`],
      ['update', 'dequeue', `${tag}2`], ['remove', 'dequeue', `${tag}1`]]);
    assert.deepEqual(w.docs().map(({ _id, n, o }) => ({ _id, n, o })), [{ _id: `${tag}3`, n: 3, o: { a: 1, b: [1, 2] } }]);
    assert.deepEqual(w.errors, []);
    w.listener.close();
  });

  test(`${name}: order and limit hold`, { skip }, async () => {
    const token = stack.token('writer');
    const tag = `${room}limit`;
    const { db } = await open();
    await inserts(token, [1, 2, 3, 4].map((n) => ({ _id: `${tag}${n}`, tag, n })));
    const w = follow(db.collection('items').where({ tag }).orderBy('n', 'desc').limit(2));
    await until(() => w.changes.length, 'the first snapshot');
    assert.deepEqual(w.docs().map((d) => d.n), [4, 3]);
    await inserts(token, [{ _id: `${tag}9`, tag, n: 9 }]);
    await until(() => w.ids().includes(`${tag}9`), 'the new one is there');
    assert.deepEqual(w.docs().map((d) => d.n).sort(), [4, 9]);
    await removes(token, { _id: `${tag}4` });
    await until(() => w.ids().includes(`${tag}3`), 'the next one moves up');
    assert.deepEqual(w.docs().map((d) => d.n).sort(), [3, 9]);
    w.listener.close();
  });

  test(`${name}: an empty result, and one that becomes empty`, { skip }, async () => {
    const token = stack.token('writer');
    const tag = `${room}empty`;
    const { db } = await open();
    const w = follow(db.collection('items').where({ tag }));
    await until(() => w.changes.length, 'the first snapshot');
    assert.deepEqual(w.docs(), []);
    await inserts(token, [{ _id: tag, tag }]);
    await until(() => w.ids().length === 1, 'one is there');
    await removes(token, { _id: tag });
    await until(() => w.ids().length === 0, 'none is there');
    w.listener.close();
  });

  test(`${name}: a cut connection loses and doubles nothing`, { skip }, async () => {
    const token = stack.token('writer');
    const tag = `${room}cut`;
    const { db } = await open();
    await inserts(token, [{ _id: tag, tag, n: 0 }]);
    const w = follow(db.collection('items').where({ tag }));
    const other = follow(db.collection('items').where({ tag: `${tag}-other` }));
    await until(() => w.changes.length && other.changes.length, 'both first snapshots');
    let n = 0;
    const more = async (count) => { for (let i = 0; i < count; i++) await updates(token, { _id: tag }, { $set: { n: ++n } }); };
    await more(3);
    for (let round = 0; round < 3; round++) {
      proxy.cut();
      await more(5);
      await until(() => w.docs()[0].n === n, `up to date after the cut of round ${round}`);
    }
    proxy.cut();
    proxy.cut();
    await more(2);
    await until(() => w.docs()[0].n === n, 'up to date');
    const heard = w.changes.slice(1).flatMap((s) => s.docChanges.map((c) => c.doc.n));
    assert.deepEqual(heard, Array.from({ length: n }, (_, i) => i + 1));
    assert.deepEqual(told(other), []);
    assert.deepEqual([w.errors, other.errors], [[], []]);
    w.listener.close();
    other.listener.close();
  });

  test(`${name}: a private collection shows each his own`, { skip }, async () => {
    const token = stack.token('writer');
    const tag = `${room}own`;
    const { db } = await open();
    const w = follow(db.collection('secret').where({ tag }));
    await until(() => w.changes.length, 'the first snapshot');
    await inserts(token, [{ _id: `${tag}-foreign`, tag }], 'secret');
    const added = await db.collection('secret').add({ _id: `${tag}-mine`, tag });
    assert.ok(added.id ?? added.ids ?? added.insertedIds, JSON.stringify(added));
    await until(() => w.ids().length, 'his own');
    assert.deepEqual(w.ids(), [`${tag}-mine`]);
    assert.deepEqual(w.docs().map((d) => d._openid), [undefined]);
    w.listener.close();
  });

  test(`${name}: many watches over one connection`, { skip }, async () => {
    const token = stack.token('writer');
    const { db } = await open();
    const all = Array.from({ length: 30 }, (_, i) => follow(db.collection('items').where({ tag: `${room}many${i}` })));
    await until(() => all.every((w) => w.changes.length), 'thirty first snapshots');
    await inserts(token, all.map((_, i) => ({ _id: `${room}many${i}`, tag: `${room}many${i}` })));
    await until(() => all.every((w) => w.ids().length === 1), 'thirty changes');
    assert.deepEqual(all.map((w) => w.ids()[0]), all.map((_, i) => `${room}many${i}`));
    all.forEach((w) => w.listener.close());
  });

  test(`${name}: a logout ends its watches`, { skip }, async () => {
    const { db, auth } = await open();
    const w = follow(db.collection('items').where({ tag: `${room}logout` }));
    await until(() => w.changes.length, 'the first snapshot');
    const { accessToken } = await auth.getAccessToken();
    const out = await fetch(`${stack.url}/v1/logout`, { method: 'POST', headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' }, body: '{}' });
    assert.equal(out.status, 200);
    await until(() => w.errors.length, 'the end');
    assert.match(String(w.errors[0].message ?? JSON.stringify(w.errors[0])), /3050|Server Close/);
  });
}
