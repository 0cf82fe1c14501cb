// Who may what, through the whole daemon: owner, other, visitor, nobody and
// administrator, each operation, each kind of permission; a project's rules
// deployed and tested by the command line.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, source, startStack } from '../lib/stack.mjs';
import { Ours } from '../differential/ours.mjs';

const folder = mkdtempSync(join(tmpdir(), 'mpc-rules-'));
mkdirSync(join(folder, 'cloudfunctions'));
writeFileSync(join(folder, 'cloudbaserc.json'), JSON.stringify({ version: '2.0', envId: 'test', functions: [] }));

let stack, admin;
const tokens = {};
let visitor; // his uid
before(async () => {
  stack = await startStack({ project: folder, gateways: 2 });
  admin = new Ours(join(stack.run, 'run', 'ops.sock'), 'test');
  tokens.owner = stack.token('alice');
  tokens.other = stack.token('bob');
  const made = await (await fetch(`${stack.url}/auth/v1/signin/anonymously?client_id=test`, { method: 'POST',
    headers: { 'content-type': 'application/json' }, body: '{}' })).json();
  tokens.visitor = made.access_token;
  visitor = made.sub;
});
after(async () => {
  admin?.close();
  await stack?.stop();
  rmSync(folder, { recursive: true });
});

const write = (path, v) => {
  const file = join(stack.project, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, JSON.stringify(v));
  return file;
};
function deploy(name, definition) {
  write(`database/${name}.json`, definition);
  return stack.cli('deploy', stack.project);
}

// A call as `who`; its data, or the code of its refusal.
async function call(who, action, members) {
  const collectionName = members.collectionName ?? 'docs';
  if (who === 'admin')
    return admin.send(action, { ...members, collectionName }).then((a) => a.code ?? a.data);
  const answer = await fetch(`${stack.url}/web?env=test`, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action, dataVersion: '2020-01-10', env: 'test', ...members, collectionName,
      ...(tokens[who] && { access_token: tokens[who] }) }) });
  const body = await answer.json();
  return body.code ?? body.data;
}

const where = (query, more = {}) => ({ queryType: 'WHERE', query, ...more });
const ids = (list) => list.map((d) => (typeof d === 'string' ? JSON.parse(d) : d)._id).sort().join(' ');
const aggregate = (...stages) => ({ stages: stages.map((s) => ({ stageKey: Object.keys(s)[0], stageValue: JSON.stringify(Object.values(s)[0]) })) });

// What each operation gives, said in one word: ids, a number, or a code.
const operations = {
  list: async (who) => result(await call(who, 'database.queryDocument', where({})), (d) => ids(d.list)),
  'one of others': async (who) => result(await call(who, 'database.queryDocument', { queryType: 'DOC', query: { _id: 'a2' } }), (d) => ids(d.list)),
  count: async (who) => result(await call(who, 'database.countDocument', where({ n: { $gte: 0 } })), (d) => d.total),
  aggregate: async (who) => result(await call(who, 'database.aggregateDocuments', aggregate({ $group: { _id: null, n: { $sum: 1 } } })),
    (d) => JSON.parse(d.list[0] ?? '{"n":0}').n),
  lookup: async (who) => result(await call(who, 'database.aggregateDocuments', { collectionName: 'open',
    ...aggregate({ $lookup: { from: 'docs', localField: 'ref', foreignField: '_id', as: 'r' } }) }), (d) => ids(JSON.parse(d.list[0]).r)),
  add: async (who) => result(await call(who, 'database.addDocument', { data: { _id: 'new', n: 1 } }), () => 1),
  'update all': async (who) => result(await call(who, 'database.updateDocument', where({}, { data: { $set: { m: 1 } }, multi: true, merge: true })), (d) => d.updated),
  'update one of others': async (who) => result(await call(who, 'database.updateDocument', { queryType: 'DOC', query: { _id: 'a2' }, data: { $set: { m: 1 } }, merge: true }), (d) => d.updated),
  'set one of others': async (who) => result(await call(who, 'database.updateDocument', { queryType: 'DOC', query: { _id: 'a2' }, data: { n: 9 }, merge: false, upsert: true }),
    (d) => d.updated + (d.upserted_id || d.upsertedId ? 10 : 0)),
  'remove all': async (who) => result(await call(who, 'database.deleteDocument', where({}, { multi: true })), (d) => d.deleted),
};
const result = (data, read) => (typeof data === 'string' ? data : read(data));
const DENIED = 'DATABASE_PERMISSION_DENIED';
const NOBODY = 'CHECK_LOGIN_FAILED';

async function reset() {
  await call('admin', 'database.removeDocument', where('{}', { multi: true }));
  await admin.insert('docs', [{ _id: 'a1', _openid: 'alice', n: 1, public: true }, { _id: 'a2', _openid: 'alice', n: 2 },
    { _id: 'b1', _openid: 'bob', n: 3 }, { _id: 'v1', _openid: visitor, n: 4 }]);
}

// [operation]: what owner (alice), other (bob) and visitor get; administrators
// may all, nobody nothing.
const own = { list: ['a1 a2', 'b1', 'v1'], 'one of others': ['a2', '', ''], count: [2, 1, 1], aggregate: [2, 1, 1], lookup: ['a1 a2', '', ''],
  add: [1, 1, 1], 'update all': [2, 1, 1], 'update one of others': [1, 0, 0], 'set one of others': [1, 0, 0], 'remove all': [2, 1, 1] };
const all = { list: 'a1 a2 b1 v1', 'one of others': 'a2', count: 4, aggregate: 4, lookup: 'a1 a2' };
const threeOf = (v) => [v, v, v];
const reads = Object.fromEntries(Object.entries(all).map(([k, v]) => [k, threeOf(v)]));
const denied = Object.fromEntries(Object.keys(own).map((k) => [k, threeOf(DENIED)]));
const pick = (from, ...names) => Object.fromEntries(names.map((n) => [n, from[n]]));
const READS = ['list', 'one of others', 'count', 'aggregate', 'lookup'];
const WRITES = ['add', 'update all', 'update one of others', 'set one of others', 'remove all'];

const kinds = {
  READONLY: [{ permission: 'READONLY' }, { ...reads, ...pick(own, ...WRITES) }],
  PRIVATE: [{ permission: 'PRIVATE' }, own],
  ADMINWRITE: [{ aclTag: 'ADMINWRITE' }, { ...reads, ...pick(denied, ...WRITES) }],
  ADMINONLY: [{ permission: 'ADMINONLY' }, denied],
  'CUSTOM, as the simple one': [{ permission: 'CUSTOM', rules: { read: true, write: 'doc._openid == auth.openid || doc._openid == auth.uid' } },
    { ...reads, ...pick(own, ...WRITES) }],
  'CUSTOM, by fields': [{ rule: JSON.stringify({ read: 'doc.public == true || doc._openid == auth.openid', create: "auth.loginType != 'ANONYMOUS' && request.data.n > 0",
    update: 'doc._openid == auth.openid && request.data.n == undefined', delete: "auth.openid == 'bob'" }) },
  { list: ['a1 a2', 'a1 b1', 'a1'], 'one of others': ['a2', '', ''], count: [2, 2, 1], aggregate: [2, 2, 1], lookup: ['a1 a2', 'a1', 'a1'],
    add: [1, 1, DENIED], 'update all': [2, 1, 0], 'update one of others': [1, 0, 0], 'set one of others': threeOf(DENIED), 'remove all': [DENIED, 4, DENIED] }],
};

test('a collection for lookups', async () => {
  const r = deploy('open', { permission: 'ADMINWRITE', documents: [{ _id: 'o', ref: ['a1', 'a2'] }] });
  assert.equal(r.status, 0, r.stderr);
});

for (const [kind, [definition, want]] of Object.entries(kinds))
  test(`who may what: ${kind}`, async () => {
    const r = deploy('docs', definition);
    assert.equal(r.status, 0, r.stderr);
    const got = {};
    for (const [name, run] of Object.entries(operations)) {
      got[name] = [];
      for (const who of ['owner', 'other', 'visitor']) {
        await reset();
        got[name].push(await run(who));
      }
      await reset();
      assert.equal(await run('nobody'), NOBODY, name);
    }
    assert.deepEqual(got, want);
    await reset();
    assert.deepEqual([await operations.list('admin'), await operations.count('admin'), await operations['update all']('admin'), await operations['remove all']('admin')],
      ['a1 a2 b1 v1', 4, 4, 4]);
  });

test('what is made carries its maker, and nobody writes that himself', async () => {
  assert.equal(deploy('docs', { permission: 'READONLY' }).status, 0);
  await call('admin', 'database.removeDocument', where('{}', { multi: true }));
  for (const who of ['owner', 'visitor']) assert.equal(typeof await call(who, 'database.addDocument', { data: { _id: who } }), 'object');
  const made = (await admin.find('docs', { query: {} })).map((d) => [d._id, d._openid]);
  assert.deepEqual(made, [['owner', 'alice'], ['visitor', visitor]]);
  assert.equal(await call('other', 'database.addDocument', { data: { _openid: 'alice' } }), DENIED);
  assert.equal(await call('owner', 'database.updateDocument', where({ _id: 'owner' }, { data: { $set: { _openid: 'bob' } }, merge: true })), DENIED);
});

test("'{openid}' is the caller, in any member and operator", async () => {
  assert.equal(deploy('docs', { permission: 'READONLY', showOpenid: true }).status, 0);
  await reset();
  const list = async (who, query) => result(await call(who, 'database.queryDocument', where(query)), (d) => ids(d.list));
  await admin.update('docs', { _id: 'b1' }, { $set: { editors: ['alice', 'x'], author: 'alice' } });
  assert.equal(await list('owner', { _openid: '{openid}' }), 'a1 a2');
  assert.equal(await list('visitor', { _openid: '{openid}' }), 'v1');
  assert.equal(await list('owner', { author: '{openid}' }), 'b1');
  assert.equal(await list('owner', { editors: { $in: ['{openid}', 'z'] } }), 'b1');
  assert.equal(await list('owner', { $or: [{ author: { $eq: '{openid}' } }, { _openid: { $ne: '{openid}' } }] }), 'b1 v1');
  assert.equal(await list('other', { author: '{openid}' }), '');
  const changed = await call('other', 'database.updateDocument', where({ _openid: '{openid}' }, { data: { $set: { m: 2 } }, multi: true, merge: true }));
  assert.equal(changed.updated, 1);
});

test('showOpenid lets users see and order who made a document', async () => {
  assert.equal(deploy('docs', { permission: 'READONLY', showOpenid: true }).status, 0);
  await reset();
  const shown = await call('other', 'database.queryDocument', where({ _openid: { $in: ['alice', 'bob'] } }, { order: [{ field: '_openid', direction: 'desc' }, { field: '_id', direction: 'asc' }] }));
  assert.deepEqual(shown.list.map((d) => [d._id, d._openid]), [['b1', 'bob'], ['a1', 'alice'], ['a2', 'alice']]);
  assert.equal(deploy('docs', { permission: 'READONLY', showOpenid: false }).status, 0);
  const hidden = await call('other', 'database.queryDocument', where({}));
  assert.ok(hidden.list.every((d) => !('_openid' in d)));
  assert.equal(await call('other', 'database.queryDocument', where({ _openid: { $in: ['alice', 'bob'] } })), DENIED);
});

test('rules that cannot be read are refused by deploy, which names file, rule and column', () => {
  const r = deploy('bad', { rules: { read: true, write: 'doc._openid = auth.openid' } });
  assert.equal(r.status, 1);
  assert.match(r.stderr, /write: column 13: = assigns; == compares/);
  assert.match(r.stderr, /database\/bad\.json/);
  assert.match(deploy('bad', { permission: 'CUSTOM' }).stderr, /CUSTOM needs rules/);
  assert.match(deploy('bad', { permission: 'PRIVATE', rules: { read: true } }).stderr, /rules need permission CUSTOM/);
  assert.match(deploy('bad', { rules: { reed: true } }).stderr, /there is no rule "reed"/);
  assert.match(deploy('bad', { permision: 'PRIVATE' }).stderr, /"permision" is not known here/);
  rmSync(join(stack.project, 'database/bad.json'));
});

test('a refusal names the rule, and no data', async () => {
  assert.equal(deploy('docs', { rules: { read: "auth.openid == 'alice'", write: false } }).status, 0);
  const answer = await (await fetch(`${stack.url}/web?env=test`, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'database.queryDocument', env: 'test', collectionName: 'docs', ...where({}), access_token: tokens.other }) })).json();
  assert.equal(answer.code, DENIED);
  assert.match(answer.message, /the rule "read" of collection docs does not allow this to this caller/);
  assert.ok(!answer.message.includes('alice'));
});

const rules = (...words) => stack.cliWith({ cwd: stack.project }, 'db', 'rules', 'test', ...words);

test("a project's tests of its rules pass, and say which case does not", () => {
  assert.equal(deploy('docs', { rules: { read: 'doc.public == true || doc._openid == auth.openid', update: 'request.data.price == undefined && doc._openid == auth.openid',
    create: 'get(`database.staff.${auth.openid}`).editor == true' } }).status, 0);
  const auth = { openid: 'alice' };
  const cases = [
    { name: 'hers', act: 'read', auth, doc: { _openid: 'alice' }, expect: 'allow' },
    { name: 'public', act: 'read', auth: null, doc: { public: true }, expect: 'allow' },
    { name: 'not hers', act: 'read', auth, doc: { _openid: 'bob' }, expect: 'deny' },
    { name: 'no price', act: 'update', auth, doc: { _openid: 'alice' }, request: { data: { $inc: { price: 1 } } }, expect: 'deny' },
    { name: 'text', act: 'update', auth, doc: { _openid: 'alice' }, request: { data: { text: 'x' } }, expect: 'allow' },
    { name: 'staff', act: 'create', auth, request: { data: { n: 1 } }, expect: 'allow' },
    { name: 'no staff', act: 'create', auth: { openid: 'bob' }, request: { data: { n: 1 } }, expect: 'deny' },
    { name: 'nobody removes', act: 'delete', auth, doc: { _openid: 'alice' }, expect: 'deny' },
  ];
  const file = write('database/tests/docs.json', { collection: 'docs', collections: { staff: [{ _id: 'alice', editor: true }] }, cases });
  let r = rules();
  assert.equal(r.status, 0, r.stderr);
  assert.equal(r.stdout, './database/tests/docs.json: 8 as expected\n');
  cases[2].expect = 'allow';
  write('database/tests/docs.json', { collection: 'docs', collections: { staff: [{ _id: 'alice', editor: true }] }, cases });
  r = rules(file);
  assert.equal(r.status, 1);
  assert.equal(r.stdout, `${file}\n  cases[2] not hers: expected allow, it is denied\n    read as {"openid":"alice"} of {"_openid":"bob"}\n1 of 8 cases are not as expected\n`);
  r = rules('--json');
  assert.equal(r.status, 1);
  assert.deepEqual(JSON.parse(r.stdout)[0].cases[2], { name: 'not hers', expect: 'allow', allowed: false, ok: false });
  r = stack.cli('db', 'rules', 'test', '--project', stack.project, join(stack.project, 'database/tests'));
  assert.equal(r.status, 1);
});

test('a file of tests that is not well formed is refused with what is wrong', () => {
  const say = (v) => {
    const r = rules(write('database/tests/wrong.json', v));
    assert.equal(r.status, 2, r.stdout);
    return r.stderr;
  };
  const one = { act: 'read', expect: 'allow' };
  assert.match(say({ rules: { read: true }, cases: [one, { ...one, expect: 'yes' }] }), /cases\[1\]\.expect: allow or deny/);
  assert.match(say({ rules: { read: true }, cases: [{ ...one, act: 'look' }] }), /cases\[0\]\.act: read, create, update or delete/);
  assert.match(say({ rules: { read: true }, cases: [{ ...one, dok: {} }] }), /"dok" means nothing here/);
  assert.match(say({ rules: { read: 'doc.a == ' }, cases: [one] }), /read: column 10: the expression is not ended/);
  assert.match(say({ collection: 'nowhere', cases: [one] }), /no database\/nowhere\.json in a folder above it/);
  assert.match(say({ cases: [one] }), /"collection" names the collection/);
  assert.match(say({ rules: { read: true }, cases: [] }), /"cases" is a list of cases/);
  rmSync(join(stack.project, 'database/tests'), { recursive: true });
  assert.match(rules(join(stack.project, 'database')).stderr, /"rules?" means nothing|cases/);
});

test("the example's rules are tested", () => {
  const r = stack.cli('db', 'rules', 'test', join(source, 'examples/shop'));
  assert.equal(r.status, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /orders\.json: 3 as expected\n.*reviews\.json: 12 as expected\n/);
});
