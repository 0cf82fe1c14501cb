// watch() by its raw protocol: messages are shaped as those that js-sdk was seen to
// exchange, and many watchers over cut connections and killed gateways hear every
// change once. WATCHERS and CHANGES say how many; make soak has a thousand and
// ten thousand.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, lacksPackages, ordinaryUser, source, startStack, until } from '../lib/stack.mjs';
import { startProxy } from '../lib/proxy.mjs';
import { Watcher } from '../lib/watcher.mjs';

const skip = lacksPackages('tests');
const WATCHERS = Number(process.env.WATCHERS ?? 60);
const CHANGES = Number(process.env.CHANGES ?? 600);
const ROOMS = 6;

let stack;
let proxy;
let token;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/watch'), gateways: 2, owner: ordinaryUser(), set: { 'sockets.user': 5000, 'sockets.user_watches': 5000 } });
  proxy = await startProxy(stack.url);
  token = stack.token('writer');
});
after(async () => { proxy?.stop(); await stack?.stop(); });

const path = (collection) => `/v1/database/instances/(default)/databases/(default)/collections/${collection}/documents`;
// Asked again when a gateway dies under it, as any client does.
async function rest(method, where, body) {
  for (let i = 0; ; i++) {
    try {
      const answer = await fetch(stack.url + where, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body) });
      const got = await answer.json();
      if (answer.status === 200) return got;
      if (answer.status < 500 || i > 50) throw new Error(JSON.stringify(got));
    } catch (error) {
      if (i > 50 || error.cause === undefined) throw error;
    }
    await new Promise((done) => { setTimeout(done, 50); });
  }
}
const insert = (data, c = 'items') => rest('POST', path(c), { data });
// To a value of its own: saying it twice changes nothing more.
const update = (query, data, c = 'items') => rest('PATCH', path(c), { query, data, multi: true });
const watcher = (more) => new Watcher({ url: proxy.url, token, collection: 'items', ...more });

// Names of members with the types of their values; arrays by their first.
function shape(v) {
  if (Array.isArray(v)) return v.length ? [shape(v[0])] : [];
  if (v === null || typeof v !== 'object') return v === null ? 'null' : typeof v;
  return Object.fromEntries(Object.entries(v).sort().map(([k, one]) => [k, shape(one)]));
}

test('messages have the shapes that js-sdk was seen to exchange', { skip }, async () => {
  const { frames } = JSON.parse(readFileSync(join(source, 'tests/e2e/watch/protocol.json'), 'utf8'));
  const seen = (type) => frames.filter((f) => f.dir === 's2c' && f.msg.msgType === type).map((f) => f.msg);
  const w = watcher({ query: { tag: 'shape' } });
  w.frames = [];
  await insert([{ _id: 'shape1', tag: 'shape', n: 1 }, { _id: 'shape2', tag: 'shape', n: 2 }]);
  await w.ready();
  await update({ _id: 'shape1' }, { $set: { n: 9 }, $unset: { x: '' } });
  await insert([{ _id: 'shape3', tag: 'shape' }]);
  await rest('POST', `${path('items')}/remove`, { query: { _id: 'shape2' }, multi: true });
  await until(() => w.docs.size === 2 && w.docs.has('shape3'), 'the changes came');
  w.check();
  w.send({ msgType: 'PING', msgData: null });
  await until(() => w.checked, 'CHECK_EVENT');
  w.ws.close(3000);
  await until(() => w.rebuilds === 1 && w.live, 'it goes on');
  const ours = (type) => w.frames.filter((f) => f.dir === 's2c' && f.msg.msgType === type).map((f) => f.msg);
  for (const type of ['LOGIN_RES', 'INIT_EVENT', 'CHECK_EVENT', 'PONG'])
    assert.deepEqual(shape(ours(type)[0]), shape(seen(type)[0]), type);
  const wanted = seen('NEXT_EVENT');
  for (const kind of ['update', 'add', 'remove']) {
    const of = (list) => list.find((m) => m.msgData.events[0]?.DataType === kind);
    assert.deepEqual(shape(of(ours('NEXT_EVENT'))), shape(of(wanted)), kind);
    const words = ({ DataType, QueueType, Doc, removedFields }) => [DataType, QueueType, Doc === '', removedFields === ''];
    assert.deepEqual(words(of(ours('NEXT_EVENT')).msgData.events[0]).slice(0, 3), words(of(wanted).msgData.events[0]).slice(0, 3));
  }
  const rebuilt = (list) => list.find((m) => m.msgData.events.length === 0);
  assert.deepEqual(shape(rebuilt(ours('NEXT_EVENT'))), shape(rebuilt(wanted)));
  assert.equal(w.checked, w.event);
  w.close();
});

test('a queryID is worth nothing to another user, and a forged one nothing to anybody', { skip }, async () => {
  const w = watcher({ query: { tag: 'sealed' } });
  await w.ready();
  const other = watcher({ token: stack.token('thief'), query: { tag: 'elsewhere' } });
  await other.ready();
  for (const queryID of [w.queryID, `${w.queryID.slice(0, -4)}AAAA`, 'x']) {
    other.send({ watchId: 'stolen', msgType: 'REBUILD_WATCH', msgData: { envId: 'test', collName: 'items', queryID, eventID: 1 } });
    await until(() => other.errors.length, 'an error');
    assert.equal(other.errors.pop().code, 'QUERYID_INVALID_ERROR');
  }
  w.close();
  other.close();
});

test('what is not allowed or not understood ends that watch with an ERROR', { skip }, async () => {
  for (const [more, code] of [[{ collection: 'closed' }, 'COLLECTION_PERMISSION_DENIED'],
    [{ query: { $nonsense: 1 } }, 'DATABASE_INVALID_OPERRATOR'], [{ collection: 'no such/name' }, null]]) {
    const w = watcher(more);
    await until(() => w.errors.length, 'an error');
    if (code) assert.equal(w.errors[0].code, code, JSON.stringify(w.errors));
    assert.ok(w.errors[0].message.length > 10);
    assert.equal(w.ws.readyState, 1);
    w.close();
  }
});

test('one connection holds as many watches as it may', { skip }, async () => {
  const w = watcher({ query: { tag: 'x0' } });
  await w.ready();
  for (let i = 1; i <= 100; i++)
    w.send({ watchId: `more${i}`, msgType: 'INIT_WATCH', msgData: { envId: 'test', collName: 'items', query: '{"tag":"x1"}' } });
  await until(() => w.errors.length, 'the last is refused');
  assert.match(w.errors[0].message, /sockets\.watches/);
  w.close();
});

test('who begins watches without end is told to stop, and keeps those he has', { skip }, async () => {
  const w = watcher({ query: { tag: 'kept' } });
  w.frames = [];
  await w.ready();
  for (let i = 0; i < 260; i++)
    w.send({ watchId: 'again', msgType: 'INIT_WATCH', msgData: { envId: 'test', collName: 'items', query: JSON.stringify({ tag: `n${i}` }) } });
  await until(() => w.errors.length, 'it is refused');
  assert.equal(w.errors[0].code, 'EXCEED_REQUEST_LIMIT');
  await insert([{ _id: 'kept1', tag: 'kept' }]);
  await until(() => w.frames.some(({ msg }) => msg.msgType === 'NEXT_EVENT' && msg.watchId === w.watchId), 'the change came');
  w.close();
});

test(`${WATCHERS} watchers hear each of ${CHANGES} changes once, over cuts and killed gateways`, { skip, timeout: 1800000 }, async (t) => {
  const rooms = Array.from({ length: ROOMS }, (_, i) => `room${i}`);
  await insert(rooms.map((tag) => ({ _id: tag, tag, n: 0, at: 0 })));
  const wrong = [];
  const delays = [];
  const all = Array.from({ length: WATCHERS }, (_, i) => {
    const tag = rooms[i % ROOMS];
    let last = -1;
    return watcher({ query: { tag }, onEvent: (e, doc, before, fresh) => {
      // Each change raises n by one; only a whole result may skip some.
      if (last >= 0 && (fresh ? doc.n < last : doc.n !== last + 1)) wrong.push([tag, last, doc.n, e.DataType, fresh]);
      if (!fresh && doc.n > 0) delays.push(Date.now() - doc.at);
      last = doc.n;
    } });
  });
  await Promise.all(all.map((w) => w.ready()));
  const kill = (index) => process.kill(stack.status().gateways[index].pid, 'SIGKILL');
  const top = Math.floor(CHANGES / ROOMS);
  const sum = (key) => all.reduce((n, w) => n + w[key], 0);
  const write = async (tag, from, to) => {
    for (let n = from + 1; n <= to; n++) await update({ _id: tag }, { $set: { n, at: Date.now() } });
  };
  // Each trouble comes while changes are made, and is over before the next.
  const troubles = [() => {}, proxy.cut, () => kill(1), proxy.cut, () => kill(0), proxy.cut, proxy.cut];
  const whole = []; // results told anew in each
  for (const [i, trouble] of troubles.entries()) {
    const [from, to] = [i, i + 1].map((k) => Math.floor((top * k) / troubles.length));
    const before = sum('anew');
    const writing = rooms.map((tag) => write(tag, from, to));
    trouble();
    await Promise.all(writing);
    await until(() => all.every((w) => w.live && [...w.docs.values()][0]?.n === to), `everybody is up to date after trouble ${i}`, 60000);
    whole.push(sum('anew') - before);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual([sum('doubled'), sum('gaps'), all.flatMap((w) => w.errors)], [0, 0, []]);
  assert.ok(sum('rebuilds') >= WATCHERS * 4, String(sum('rebuilds')));
  // What was missed is told change by change until the engine itself is killed.
  assert.deepEqual(whole.slice(0, 4), [0, 0, 0, 0]);
  assert.equal(sum('inits'), WATCHERS);
  delays.sort((a, b) => a - b);
  t.diagnostic(`rebuilds ${sum('rebuilds')}, whole results ${whole.join(' ')}, events ${delays.length}, `
    + `change to client p50 ${delays[delays.length >> 1]} ms, p99 ${delays[Math.floor(delays.length * 0.99)]} ms`);
  all.forEach((w) => w.close());
});
