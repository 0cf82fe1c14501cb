// `mpcloud migrate check`: what it finds in a project that uses everything, that
// it finds nothing where there is nothing, and that its table is true.

import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, existsSync, lacksPackages, source } from '../lib/stack.mjs';

const require = createRequire(import.meta.url);
const read = (name) => readFileSync(join(source, name), 'utf8');

function check(folder, ...more) {
  const { status, stdout, stderr } = spawnSync(join(build, 'mpcloud'), ['migrate', 'check', folder, ...more],
    { encoding: 'utf8', maxBuffer: 1 << 28 });
  return { status, stdout, stderr };
}

const found = (folder) => {
  const { status, stdout, stderr } = check(folder, '--json');
  assert.equal(stderr, '');
  return { status, ...JSON.parse(stdout) };
};

// {name: 'state file:line …'} with the last part of each file's name.
const brief = ({ apis }) => Object.fromEntries(Object.entries(apis).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { state, places }]) =>
  [name, `${state} ${places.map((p) => `${p.file.split('/').pop()}:${p.line}`).join(' ')}`]));

// A folder of these files.
function withFiles(files, work) {
  const folder = mkdtempSync(join(tmpdir(), 'mpc-migrate-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a project that uses everything: each name, how it stands and where it is', () => {
  const answer = found(join(source, 'tests/e2e/migrate'));

  assert.equal(answer.status, 1);
  assert.deepEqual(brief(answer), {
    'app.database': 'yes index.js:3',
    'cloud.DYNAMIC_CURRENT_ENV': 'yes index.js:4',
    'cloud.cloudPay.profitSharing': 'no index.js:15',
    'cloud.cloudPay.unifiedOrder': 'yes index.js:14',
    'cloud.database().collection': 'yes index.js:3 index.js:18',
    'cloud.database().createCollection': 'yes index.js:17',
    'cloud.database().runTransaction': 'yes index.js:18',
    'cloud.database': 'yes index.js:5',
    'cloud.getOpenData': 'yes index.js:16',
    'cloud.getWXContext': 'yes index.js:9',
    'cloud.init': 'yes index.js:4',
    'cloud.logger().info': 'yes index.js:10',
    'cloud.logger': 'yes index.js:6',
    'cloud.openapi': 'yes index.js:12',
    'cloud.openapi.made.up': 'unknown config.json:2',
    'cloud.openapi.nobody.knowsThis': 'unknown index.js:13',
    'cloud.openapi.subscribeMessage.send': 'yes config.json:2 index.js:11',
    'cloud.openapi.wxacode.getUnlimited': 'yes index.js:12',
    'cloud://': 'differs index.js:7 index.js:14 index.wxml:2',
    'cloudbaserc.json: envId': 'yes cloudbaserc.json:3',
    'cloudbaserc.json: framework': 'no cloudbaserc.json:5',
    'cloudbaserc.json: functionRoot': 'yes cloudbaserc.json:4',
    'cloudbaserc.json: functions': 'yes cloudbaserc.json:4',
    'cloudbaserc.json: functions[].aclRule': 'differs cloudbaserc.json:9',
    'cloudbaserc.json: functions[].misspeled': 'unknown cloudbaserc.json:9',
    'cloudbaserc.json: functions[].name': 'yes cloudbaserc.json:8 cloudbaserc.json:9 cloudbaserc.json:7',
    'cloudbaserc.json: functions[].protocolType': 'no cloudbaserc.json:8',
    'cloudbaserc.json: functions[].runtime': 'yes cloudbaserc.json:7',
    'cloudbaserc.json: functions[].timeout': 'yes cloudbaserc.json:7',
    'cloudbaserc.json: functions[].type': 'no cloudbaserc.json:8',
    'cloudbaserc.json: functions[].vpc': 'differs cloudbaserc.json:7',
    'cloudbaserc.json: version': 'yes cloudbaserc.json:2',
    'db.Geo.Point': 'yes index.js:18',
    'db.collection().aggregate().end': 'yes index.js:24',
    'db.collection().aggregate().group': 'yes index.js:22',
    'db.collection().aggregate().match': 'yes index.js:21',
    'db.collection().aggregate().out': 'no index.js:23',
    'db.collection().aggregate': 'yes index.js:20',
    'db.collection().doc().get': 'yes index.js:26',
    'db.collection().doc().remove': 'yes index.js:18',
    'db.collection().doc().update': 'yes index.js:25',
    'db.collection().doc': 'yes index.js:18 index.js:25 index.js:26',
    'db.collection().get': 'yes index.js:3 db.ts:6',
    'db.collection().limit': 'yes index.js:19 db.ts:6',
    'db.collection().orderBy': 'yes index.js:19',
    'db.collection().watch': 'yes index.js:19',
    'db.collection().where': 'yes index.js:17 db.ts:6',
    'db.command.aggregate.notAnOperator': 'unknown index.js:22',
    'db.command.aggregate.sum': 'yes index.js:22',
    'db.command.exists': 'yes index.js:21',
    'db.command.gt': 'yes index.js:18',
    'db.command.inc': 'yes index.js:25',
    'db.command.lt': 'yes index.js:18',
    'db.command.push': 'yes index.js:25',
    'package axios': 'yes package.json:1',
    'package left-pad': 'yes package.json:1',
    'package sharp': 'differs package.json:1',
    'package wx-server-sdk': 'yes package.json:1',
    'require axios': 'differs index.js:2',
    'require tcb-admin-node': 'yes index.js:1',
    'require wx-server-sdk': 'yes index.js:1',
    'tcb.SYMBOL_CURRENT_ENV': 'yes index.js:2',
    'tcb.init': 'yes index.js:2',
    'trigger cos': 'no config.json:6',
    'trigger timer': 'yes config.json:4 config.json:5',
    'wx.cloud.CDN': 'yes index.js:12',
    'wx.cloud.Cloud': 'differs index.js:30',
    'wx.cloud.CloudID': 'yes index.js:12 index.js:34',
    'wx.cloud.callContainer': 'differs index.js:15',
    'wx.cloud.callFunction': 'yes index.js:3 index.js:32 index.js:34',
    'wx.cloud.connectContainer': 'differs index.js:16',
    'wx.cloud.database().collection': 'yes index.js:17 index.js:20 index.js:25 index.js:26 db.ts:5',
    'wx.cloud.database().runTransaction': 'no index.js:26',
    'wx.cloud.database().serverDate': 'yes index.js:18',
    'wx.cloud.database': 'yes index.js:5 index.js:18 index.js:18 index.js:26 db.ts:3',
    'wx.cloud.deleteFile': 'yes index.js:7',
    'wx.cloud.downloadFile': 'yes index.js:14',
    'wx.cloud.extend.AI.createModel': 'no index.js:27',
    'wx.cloud.getTempFileURL': 'yes index.js:7',
    'wx.cloud.init': 'differs app.js:3 index.js:31',
    'wx.cloud.services.Gateway().call': 'differs index.js:29',
    'wx.cloud.services.Gateway': 'differs index.js:28',
    'wx.cloud.somethingNew': 'unknown index.js:33',
    'wx.cloud.uploadFile': 'yes index.js:3',
    'wx.getWeRunData': 'differs index.js:34',
    'wx.login': 'differs app.js:4',
  });
  assert.deepEqual(answer.problems.map((p) => p.file), ['functions/old/config.json', 'functions/orders/config.json']);
  assert.match(answer.problems[1].why, /trigger "wrong": "0 0 25 \* \* \* \*": .*hour "25"/);
});

test('a person reads what must change, then what differs, then what works', () => {
  const { status, stdout } = check(join(source, 'tests/e2e/migrate'));

  assert.equal(status, 1);
  assert.match(stdout, /\nNot supported \(\d+\)\n[\s\S]*\nNot known \(\d+\)\n[\s\S]*\nWorks differently: what to change \(\d+\)\n[\s\S]*\nWorks as it is \(\d+\)\n[\s\S]*\nWrong in itself\n/);
  assert.match(stdout, /\n\d+ things must change before this project runs here\.\nHow to move it, step by step: docs\/migrating\.md\n$/);
  assert.equal(stdout.split('\n').filter((line) => /^ {6}/.test(line) && line.length > 80).length, 0, 'notes are broken at 80 columns');
});

test('the sample shop runs here, and so does an empty folder', () => {
  const shop = check(join(source, 'examples/shop'));
  assert.equal(shop.status, 0, shop.stdout);
  assert.match(shop.stdout, /This project runs here\./);
  withFiles({ 'README.md': 'x' }, (folder) => assert.equal(check(folder).status, 0));
  const none = check(join(tmpdir(), 'there-is-no-such-folder'));
  assert.deepEqual([none.status, /No such file or directory/.test(none.stderr)], [2, true]);
});

test('names come along: renamed, unpacked, passed on as members, typed', () => {
  const cases = {
    'const c = wx.cloud; c.callFunction()': ['wx.cloud.callFunction'],
    'const { cloud } = wx; cloud.callFunction()': ['wx.cloud.callFunction'],
    'const { cloud: { callFunction: f } } = wx; f()': ['wx.cloud.callFunction'],
    'let d; d = wx.cloud.database(); d.collection("a").get()': ['db.collection().get', 'wx.cloud.database', 'wx.cloud.database().collection'],
    'this.db = wx.cloud.database(); this.db.createCollection("x")': ['wx.cloud.database', 'wx.cloud.database().createCollection'],
    'const o = { db: wx.cloud.database() }; o.db.serverDate()': ['wx.cloud.database', 'wx.cloud.database().serverDate'],
    'getApp().globalData.db.collection("a").doc("b").get()': ['db.collection().doc', 'db.collection().doc().get', 'wx.cloud.database().collection'],
    'wx?.cloud?.["callFunction"]?.()': ['wx.cloud.callFunction'],
    'const x: WxCloud = wx.cloud!; x.callFunction()': ['wx.cloud.callFunction'],
    'import cloud from "wx-server-sdk"; cloud.getWXContext()': ['cloud.getWXContext', 'require wx-server-sdk'],
    'import { database as d } from "wx-server-sdk"; d().collection("a").count()': ['cloud.database().collection', 'db.collection().count', 'require wx-server-sdk'],
    'const cloud = await import("wx-server-sdk"); cloud.openapi.wxacode.get({})': ['cloud.openapi.wxacode.get', 'require wx-server-sdk'],
    'f(async () => { return (await wx.cloud.callFunction({})).result.collection; })': ['wx.cloud.callFunction'],
    'x.callFunction(); cloud.callFunction(); y.collection(z); db.watch()': [],
    'const wxcloud = 1; wx.request({}); wx["showToast"]()': [],
  };
  for (const [text, names] of Object.entries(cases))
    withFiles({ 'a.ts': text }, (folder) => assert.deepEqual(Object.keys(brief(found(folder))), names, text));
});

test('what is not code is not read as code', () => {
  const quiet = ['// wx.cloud.a()', '/* wx.cloud.a() */', '"wx.cloud.a()"', '\'it\\\'s wx.cloud.a()\'', '`wx.cloud.a() \\` ${"}"} wx.cloud.b()`',
    'x = /wx.cloud.a()[/"\'`]/g', 'return /"/.test(wx_) ? /\'wx.cloud.a()/ : 1', '#!/usr/bin/env node wx.cloud.a()', 'a = b / c; d = "wx.cloud.a()" / 2'];
  const loud = ['`${wx.cloud.a()}`', '`${`${wx.cloud.a()}`}`', 'x = 1 / 2 / wx.cloud.a()', 'f(/"/, wx.cloud.a(), "")', 'x++ / wx.cloud.a() / 2',
    '`${ { a: `}` }.a }`; wx.cloud.a()', '"\\\\"; wx.cloud.a() //"', 'x = (1) / 2; wx.cloud.a() /* / */'];
  for (const text of quiet)
    withFiles({ 'a.js': text }, (folder) => assert.deepEqual(Object.keys(found(folder).apis), [], text));
  for (const text of loud)
    withFiles({ 'a.js': text }, (folder) => assert.deepEqual(brief(found(folder)), { 'wx.cloud.a': 'unknown a.js:1' }, text));
});

test('links are not followed, packages not read, and what is no JavaScript is told', () => {
  withFiles({ 'node_modules/a/index.js': 'wx.cloud.a()', 'miniprogram_npm/a/index.js': 'wx.cloud.a()', '.git/a.js': 'wx.cloud.a()',
    'bad.js': 'x = 1;\ny = "no end', 'page.vue': '<script>wx.cloud.a()</script>' }, (folder) => {
    symlinkSync(join(source, 'tests/e2e/migrate'), join(folder, 'link'));
    symlinkSync('.', join(folder, 'loop'));
    const answer = found(folder);
    assert.deepEqual([answer.apis, answer.unread, answer.status], [{}, 1, 1]);
    assert.deepEqual(answer.problems, [{ file: 'bad.js', why: 'line 2: a string that does not end' }]);
  });
});

test('hostile files end: deep brackets, long chains, endless names', () => {
  const many = (text, n) => text.repeat(n);
  for (const text of [many('(', 500000), many('{a:', 200000), many('({a:{', 100000), many('wx.cloud.', 200000), many('`${', 60) + many('}`', 60),
    many('`${', 70), many('import ', 200000), many('x=', 300000) + 'wx.cloud', `wx.cloud.${many('a', 3000000)}()`, many('wx.cloud.a\u0001();', 100000),
    many('f()', 300000) + many('.a()', 300000), '\0'.repeat(100000)])
    withFiles({ 'a.js': text }, (folder) => {
      const { status, apis } = found(folder);
      assert.ok(status === 0 || status === 1);
      for (const item of Object.values(apis)) assert.ok(item.places.length <= 200);
    });
  withFiles({ 'a.js': `//${'x'.repeat(5 << 20)}` }, (folder) => assert.deepEqual(found(folder).problems,
    [{ file: 'a.js', why: 'larger than 4194304 bytes' }]));
});

test('every script of the packages that the tests use is read without an error', { skip: lacksPackages('tests') }, () => {
  let files = 0;
  for (const name of readdirSync(join(source, 'tests/node_modules'))) {
    if (name.startsWith('.')) continue;
    const answer = found(join(source, 'tests/node_modules', name));
    assert.deepEqual(answer.problems.filter(({ why }) => !/^larger than/.test(why)), [], name);
    files += answer.files;
  }
  assert.ok(files > 1000, `${files} files`);
});

// ---- the table

const table = read('migrate/migrate.def');
const rows = [...table.matchAll(/^X\((\w+), "([^"]*)", (\w+), (\w+), "((?:[^"\\]|\\.)*)"\)$/gm)]
  .map(([, scope, names, state, result, note]) => ({ scope, names: names.split(' '), state, result, note }));
const named = (scope, ...states) => rows.filter((row) => row.scope === scope && states.includes(row.state)).flatMap((row) => row.names);

test('the table: what does not simply work says what to do, and no name stands twice', () => {
  assert.ok(rows.length > 60);
  assert.equal(rows.length, (table.match(/^X\(/gm) ?? []).length);
  for (const row of rows) {
    if (row.state !== 'YES') assert.ok(row.note.length > 10, `${row.scope} ${row.names}`);
    for (const name of row.names)
      assert.equal(named(row.scope, 'YES', 'NO', 'DIFFERS').filter((each) => each === name).length, 1, `${row.scope} ${name}`);
  }
});

test('the table: what pages may use is in mpcloud.js, and what they may not is not, or throws', () => {
  const { Cloud } = require(join(source, 'client/mpcloud.js'));
  const cloud = new Cloud({ url: 'https://h.example', wx: { request() {} } });
  const db = cloud.database();
  const places = { PAGE: Object.assign(Object.create(cloud), { Cloud }), DB: db, COLLECTION: db.collection('a'), DOC: db.collection('a').doc('b'), AGGREGATE: db.collection('a').aggregate(),
    COMMAND: db.command, OPERATOR: db.command.aggregate, PROJECT: db.command.project, GEO: db.Geo,
    GATEWAY: new cloud.services.Gateway({}), SERVICES: cloud.services };
  // Of functions only.
  const server = { DOC: ['create'] };
  for (const [scope, place] of Object.entries(places)) {
    for (const name of named(scope, 'YES', 'DIFFERS'))
      assert.ok(name in place || server[scope]?.includes(name), `${scope} ${name}`);
    for (const name of named(scope, 'NO'))
      assert.ok(!(name in place) || name === 'extend', `${scope} ${name}`);
  }
  for (const name of named('BOT', 'NO')) assert.throws(() => cloud.extend.AI.bot[name]({}));
  for (const name of named('AI', 'NO').filter((each) => each !== 'bot')) assert.throws(() => cloud.extend.AI[name]({}));
});

test('the table: WeChat\'s own types of wx.cloud have no name that it lacks', { skip: lacksPackages('tests') }, () => {
  const types = read('tests/node_modules/miniprogram-api-typings/types/wx/lib.wx.cloud.d.ts');
  const body = (head) => types.slice(types.indexOf(head)).split(/\n {0,4}\}/)[0];
  const members = (head) => [...body(head).matchAll(/^ +(?:readonly )?(\w+)\??[(:]/gm)].map(([, word]) => word)
    .filter((word) => !['constructor', '__safe_props__', 'param', 'options'].includes(word));
  const all = (scope) => named(scope, 'YES', 'NO', 'DIFFERS');
  for (const [scope, head] of [['PAGE', 'interface WxCloud {'], ['DB', 'class Database {'], ['AGGREGATE', 'interface Aggregate {'], ['COLLECTION', 'class Query {'],
    ['DOC', 'class DocumentReference {'], ['GATEWAY', 'interface GatewayInstance {'], ['EXTEND', 'interface ICloudExtendServices {'], ['AI', 'interface ICloudAI {'],
    ['BOT', 'interface ICloudBot {'], ['GEO', 'interface IGeo {']]) {
    const names = members(head);
    assert.ok(names.length > 0, scope);
    assert.deepEqual(names.filter((name) => !all(scope).includes(name)), [], scope);
  }
});

test('the table: what functions may use is in their SDKs, and the server answers what they ask', { skip: lacksPackages('tests/clients/wx-server-sdk-4.0.2') }, () => {
  const sdk = require(join(source, 'tests/clients/wx-server-sdk-4.0.2/node_modules/wx-server-sdk'));
  sdk.init({ env: 'test' });
  const db = sdk.database();
  for (const [scope, place] of [['SERVER', sdk], ['SDB', db], ['COMMAND', db.command]])
    for (const name of named(scope, 'YES')) {
      // Of the browser's or of other versions: round and its kin are ours.
      assert.ok(name in place || place[name] !== undefined, `${scope} ${name}`);
    }
  const calls = read('gateway/call.def');
  const actions = { callFunction: 'functions.invokeFunction', uploadFile: 'storage.getUploadMetadata', downloadFile: 'storage.batchGetDownloadUrl',
    getTempFileURL: 'storage.batchGetDownloadUrl', deleteFile: 'storage.batchDeleteFile', callOpenAPI: 'wx.api', getOpenData: 'wx.openApi', getVoIPSign: 'wx.openApi',
    openapi: 'wx.openApi', cloudPay: 'wx.wxPayApi', database: 'database.getDocument', copyFile: 'storage.batchCopyFile', getFileAuthority: 'storage.getFileAuthority',
    getUploadMetadata: 'storage.getUploadMetadata' };
  const without = ['init', 'updateConfig', 'DYNAMIC_CURRENT_ENV', 'version', 'getWXContext', 'logger', 'createNewInstance', 'auth'];
  for (const name of [...named('SERVER', 'YES'), ...named('APP', 'YES')])
    assert.ok(without.includes(name) || calls.includes(`X("${actions[name]}"`), name);
  const pay = read('gateway/call_cloudpay.c');
  for (const name of named('CLOUDPAY', 'YES')) assert.ok(pay.includes(`{"${name}",`), name);
  for (const name of named('CLOUDPAY', 'NO')) assert.ok(!pay.includes(`{"${name}",`), name);
});

test('the table: the settings that its notes name are there, with those figures', () => {
  const conf = read('base/conf.def');
  const preset = (name) => new RegExp(`^X\\(${name.replace('.', ', ')}, \\w+, [^,]*, [^,]*, "([^"]*)"`, 'm').exec(conf)?.[1];
  const notes = rows.map((row) => row.note).join('\n');
  const settings = [...notes.matchAll(/\b(functions|storage|database|sockets|server)\.([a-z_]+)\b/g)].map(([name]) => name);
  assert.ok(settings.length >= 6);
  assert.deepEqual(settings.filter((name) => preset(name) === undefined), []);
  assert.deepEqual(['functions.event_size', 'functions.result_size', 'storage.file_size', 'database.limit_top', 'sockets.watches', 'sockets.user_watches'].map(preset),
    ['6m', '6m', '1g', '1000', '100', '200']);
});

test('the table: triggers and settings are those that deploying knows', () => {
  const doc = read('docs/triggers.md');
  for (const name of named('TRIGGER', 'YES')) assert.ok(doc.includes(`{"type": "${name}"`), name);
  const [, entry] = /entry_members\[\] = \{([^}]*)\}/.exec(read('cli/project.c'));
  const known = entry.match(/"(\w+)"/g).map((word) => word.slice(1, -1));
  assert.deepEqual(known.filter((name) => !named('ENTRY', 'YES', 'NO', 'DIFFERS').includes(name)), []);
  assert.deepEqual(named('ENTRY', 'YES', 'DIFFERS').filter((name) => !known.includes(name)), []);
});
