// Collections and indexes as an operator has them: made by deploy and by the
// command line, used by requests, named by the advisor; expired documents go.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, source, startStack, until } from '../lib/stack.mjs';

const HOUR = 3600000;
// So that reading a whole collection costs more than its index, also when
// PostgreSQL has counted what is there.
const LONG = 'x'.repeat(800);
let stack;
before(async () => {
  stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo'], gateways: 2,
    set: { 'database.slow_query': '1ms', 'database.expire_check': '100ms' } });
});
after(() => stack?.stop());

const ok = (...words) => {
  const r = stack.cli(...words);
  assert.equal(r.status, 0, `${words.join(' ')}: ${r.stderr}${r.stdout}`);
  return r.stdout;
};
const refused = (...words) => {
  const r = stack.cli(...words);
  assert.notEqual(r.status, 0, words.join(' '));
  return r.stderr;
};
// What a project's database/ says of a collection, deployed.
function deploy(name, content) {
  mkdirSync(join(stack.project, 'database'), { recursive: true });
  writeFileSync(join(stack.project, 'database', `${name}.json`), JSON.stringify(content));
  return stack.cli('deploy', stack.project);
}
const documents = (count, make) => Array.from({ length: count }, (_, i) => ({ _id: `d${String(i).padStart(6, '0')}`, ...make(i) }));
const index = (collection, name) => stack.cliJson('db', 'indexes', collection).find((i) => i.name === name);

test('a collection is made, listed with its size, and dropped when that is meant', () => {
  ok('db', 'create', 'heap', '--permission', 'PRIVATE');
  const heap = stack.cliJson('db', 'collections').find((c) => c.name === 'heap');
  assert.deepEqual([heap.documents, heap.permission, heap.indexes], [0, 'PRIVATE', 1]);
  assert.match(ok('db', 'collections'), /COLLECTION +DOCUMENTS +SIZE +PERMISSION +INDEXES\n.*heap +0 +[\d.]+ kB +PRIVATE +1/s);
  assert.match(refused('db', 'drop', 'heap'), /--yes/);
  ok('db', 'drop', 'heap', '--yes');
  assert.match(refused('db', 'drop', 'heap', '--yes'), /no such collection/);
  assert.match(refused('db', 'create', 'system.heap'), /may not begin with system\./);
  assert.match(refused('db', 'create', 'heap', '--permission', 'ANYBODY'), /READONLY, PRIVATE/);
});

test('deploy makes the indexes of the file, waits for them, keeps what is there beyond, and may be repeated', () => {
  const content = { permission: 'READONLY', documents: documents(200, (i) => ({ price: i % 50, status: `s${i % 4}`, text: LONG })),
    indexes: [{ name: 'price', keys: [{ name: 'price', direction: 1 }] },
      { IndexName: 'both', MgoKeySchema: { MgoIndexKeys: [{ Name: 'status', Direction: '1' }, { Name: 'price', Direction: '-1' }], MgoIsUnique: false } },
      { name: '_id_', key: { _id: 1 } }] };
  const first = deploy('wares', content);
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /collection wares\n {4}index price\n {4}index both/);
  assert.deepEqual(stack.cliJson('db', 'indexes', 'wares').map((i) => [i.name, i.state]),
    [['_id_', 'ready'], ['both', 'ready'], ['price', 'ready']]);
  ok('db', 'index', 'create', 'wares', '{"extra":1}');
  const again = deploy('wares', content);
  assert.equal(again.status, 0, again.stderr);
  assert.doesNotMatch(again.stdout, /index price/);
  assert.match(again.stdout, /index extra_1 is not in database\/wares\.json; it stays/);
  const other = deploy('wares', { ...content, indexes: [{ name: 'price', keys: [{ name: 'price', direction: -1 }] }] });
  assert.equal(other.status, 1);
  assert.match(other.stderr, /indexes\[0\].*price.*exists with another definition/);
  assert.match(deploy('wares', { ...content, indexes: [{ keys: [{ name: 'a', direction: 1 }], uniqe: true }] }).stderr, /"uniqe" is not known/);
  assert.equal(deploy('wares', content).status, 0);
});

test('rules and showOpenid stand in the file as well', () => {
  const r = deploy('ruled', { aclTag: 'CUSTOM', rule: { read: true, write: 'doc._openid == auth.openid' }, showOpenid: true });
  assert.equal(r.status, 0, r.stderr);
  assert.equal(stack.cliJson('db', 'collections').find((c) => c.name === 'ruled').permission, 'CUSTOM');
  assert.match(deploy('ruled', { permission: 'PRIVATE', rules: { read: true } }).stderr, /rules need permission CUSTOM/);
  assert.match(deploy('ruled', { rules: { read: 'doc.' } }).stderr, /read/);
  assert.equal(deploy('ruled', { rules: { read: true } }).status, 0);
});

test('explain says which index is used, and that all is read without one', async () => {
  const uses = (...words) => stack.cliJson('db', 'explain', 'wares', ...words);
  await until(() => uses('{"price":7}').indexes.includes('price'), 'the gateways know the index');
  assert.deepEqual(uses('{"_id":"d000001"}').indexes, ['_id_']);
  assert.match(ok('db', 'explain', 'wares', '{"colour":"red"}'), /reads every document of wares/);
  assert.ok(uses('{"price":7}', '--count').plan[0].Plan);
  assert.match(refused('db', 'explain', 'wares', '{price:7}'), /single quotes/);
});

test('an index that cannot be unique says which; the failed one is listed', () => {
  assert.match(refused('db', 'index', 'create', 'wares', '{"status":1}', '--unique'), /E11000 duplicate key/);
  assert.equal(index('wares', 'status_1').state, 'failed');
  assert.match(ok('db', 'indexes', 'wares'), /status_1: E11000/);
  ok('db', 'index', 'drop', 'wares', 'status_1');
  assert.match(refused('db', 'index', 'drop', 'wares', 'nothing'), /no such index/);
});

test('a unique index refuses the second with MongoDB\'s words', async () => {
  ok('db', 'index', 'create', 'wares', '{"serial":1}', '--unique', '--sparse', '--name', 'serial');
  const admin = async (body) => {
    const r = await fetch(`${stack.url}/web`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${stack.token('oIndexUser000000000000000001')}` }, body: JSON.stringify(body) });
    return r.json();
  };
  const add = () => admin({ action: 'database.insertDocument', collectionName: 'wares', data: ['{"serial":"A1"}'] });
  assert.ok((await add()).data, JSON.stringify(await add()));
  const second = await add();
  assert.equal(second.code, 'DATABASE_REQUEST_FAILED');
  assert.match(second.message, /E11000 duplicate key error collection: wares index: serial/);
});

test('documents expire by the date in their field, and no others do', async () => {
  const now = Date.now();
  const r = deploy('sessions', { permission: 'PRIVATE',
    indexes: [{ keys: [{ name: 'seen', direction: 1 }], expireAfterSeconds: 3600 }],
    documents: [{ _id: 'old', seen: { $date: now - 2 * HOUR } }, { _id: 'young', seen: { $date: now } },
      { _id: 'list', seen: [{ $date: now }, { $date: now - 2 * HOUR }] }, { _id: 'text', seen: 'yesterday' }, { _id: 'none' }] });
  assert.equal(r.status, 0, r.stderr);
  const left = () => stack.cliJson('db', 'query', 'sessions').map((d) => d._id).sort();
  await until(() => left().length <= 3, 'the expired are gone');
  assert.deepEqual(left(), ['none', 'text', 'young']);
});

test('slow requests are seen by their shape, without values, and advised', async () => {
  deploy('orders', { permission: 'PRIVATE', documents: documents(800, (i) => ({ status: `s${i % 5}`, at: i, who: 'oSecret0123456789abcdefghij' })) });
  for (let i = 0; i < 20; i++) ok('db', 'query', 'orders', '{"status":"s3","at":{"$gt":10},"likes.oSecret0123456789abcdefghij":{"$exists":false}}', '--order', '{"at":-1}');
  const slow = await until(() => stack.cliJson('db', 'slow').find((s) => s.collection === 'orders' && s.where), 'a slow request');
  assert.deepEqual(slow.where, { status: 'string', at: { $gt: 'number' }, 'likes.*': { $exists: false } });
  assert.deepEqual([slow.verb, slow.order], ['find', [{ at: -1 }]]);
  assert.ok(slow.times >= 1 && slow.meanMs >= 1, JSON.stringify(slow));
  assert.match(ok('db', 'slow'), /SEEN.*WITH\n.*orders +find +where \{.*"status":"string"/s);
  assert.doesNotMatch(ok('db', 'slow', '--json'), /oSecret|"s3"/);
  const advice = ok('db', 'advise');
  const line = advice.split('\n').find((l) => l.includes(' orders '));
  assert.match(line, /^mpcloud db index create orders '\{"status":1,"at":-1\}'/);
  ok(...line.split('  #')[0].replace('mpcloud ', '').replace(/'/g, '').split(' '));
  assert.doesNotMatch(ok('db', 'advise'), /index create orders '\{"status":1,"at":-1\}'/);
  assert.match(stack.daemonLog(), /"event":"db\.slow".*"shape":"\{\\"collection\\":\\"orders\\"/);
  ok('db', 'slow', '--clear');
});

test('a gateway that is killed while an index waits leaves it to another', async () => {
  const many = documents(3000, (i) => ({ n: i, text: 'x'.repeat(200) }));
  assert.equal(deploy('large', { documents: many }).status, 0);
  const pids = stack.status().gateways.map((g) => g.pid);
  await until(() => {
    stack.cliWith({ timeout: 50 }, 'db', 'index', 'create', 'large', '{"n":1}');
    return index('large', 'n_1');
  }, 'the index is noted');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until(() => { try { return index('large', 'n_1')?.state === 'ready'; } catch { return false; } }, 'the index stands');
});
