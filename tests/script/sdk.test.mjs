// Our built-in wx-server-sdk beside the npm package 4.0.2: the same program in
// both, against the same cloud, sends the same and gives the same.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { load, source } from './fake-host.mjs';
import { makeCloud, plain, serveCloud } from './sdk-wire.mjs';

const clients = join(source, 'tests/clients/wx-server-sdk-4.0.2/');
const skip = existsSync(join(clients, 'node_modules/wx-server-sdk')) ? false
  : `npm ci in ${clients} first`;
const CLIENT = 'wx-server-sdk-4.0.2';
const here = join(source, 'tests/e2e/sdk');
const require = createRequire(join(here, 'scenario.cjs'));
const steps = require('./scenario.cjs');
const { told } = require('./dialects.cjs');

// What openapi answers: protobuf around WeChat's JSON, by hand.
const field = (number, bytes) => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
const wechat = (json, type = 'application/json') => Buffer.concat([field(1, Buffer.from(json)), field(2, Buffer.from(type))]);
function open({ action, apiName }) {
  if (action === 'wx.wxPayApi')
    return Buffer.from(JSON.stringify({ return_code: 'SUCCESS', payment: { timeStamp: '1', paySign: 'X' }, prepay_id: 'p', name: apiName }));
  if (apiName === 'refused.here') return { code: 'INVALID_PARAM', message: 'not so', requestId: 'r' };
  if (apiName === 'wxacode.get') return wechat('\x01\x02', 'image/png');
  if (apiName === 'wrong.user') return wechat('{"errcode":40003,"errmsg":"invalid openid"}');
  if (apiName === 'ApiGetOpenDataByCloudId') return wechat(field(1, Buffer.concat([field(1, Buffer.from('cid')),
    field(2, Buffer.from('{"cloudID":"cid","data":{"phoneNumber":"138"}}'))])));
  if (apiName === 'ApiVoipSign') return wechat(field(1, Buffer.from('sig')));
  return wechat('{"errcode":0,"errmsg":"ok","msg_id":"m","deep_er":{"an_other":[{"some_thing":1}]}}');
}

// The programs run in both: a function of (cloud, db) as text.
const said = (value) => `await (async () => { try { return { value: told(${value}) }; } catch (e) {
  return { threw: { message: String(e?.message ?? e), errMsg: e?.errMsg, errCode: e?.errCode, code: e?.code, isError: e instanceof Error } }; } })()`;
const PROGRAMS = {
  'callFunction: results': ['cloud.callFunction({ name: "echo", data: { a: 1, d: new Date(0) } })', 'cloud.callFunction({ name: "echo" })',
    'cloud.callFunction({ name: "text" })', 'cloud.callFunction({ name: "echo", data: { list: [1, { b: "c" }] } })'],
  'callFunction: errors': ['cloud.callFunction()', 'cloud.callFunction({})', 'cloud.callFunction({ name: 5 })',
    'cloud.callFunction({ name: "f", data: 5 })', 'cloud.callFunction({ name: "fails" })', 'cloud.callFunction({ name: "" })',
    '(() => { const o = {}; o.o = o; return cloud.callFunction({ name: "f", data: o }); })()'],
  files: ['cloud.uploadFile({ cloudPath: "dir/a b.txt", fileContent: Buffer.from([1, 2, 255]) })', 'cloud.uploadFile()',
    'cloud.uploadFile({})', 'cloud.uploadFile({ cloudPath: "x" })', 'cloud.uploadFile({ cloudPath: "x", fileContent: "text" })',
    'cloud.downloadFile({ fileID: "cloud://e.b/x" }).then((r) => ({ ...r, fileContent: [Buffer.isBuffer(r.fileContent), r.fileContent.toString("hex")] }))',
    'cloud.downloadFile({ fileID: "cloud://e.b/missing" })', 'cloud.downloadFile({})',
    'cloud.getTempFileURL({ fileList: ["cloud://a", { fileID: "cloud://missing", maxAge: 60 }] })', 'cloud.getTempFileURL({ fileList: "x" })',
    'cloud.getTempFileURL({ fileList: [{}] })', 'cloud.getTempFileURL({ fileList: [5] })', 'cloud.deleteFile({ fileList: ["cloud://a", "cloud://missing"] })',
    'cloud.deleteFile({ fileList: [5] })', 'cloud.deleteFile({ fileList: [""] })', 'cloud.deleteFile()'],
  'openapi and pay': ['cloud.openapi.subscribeMessage.send({ touser: "o1", data: { thing1: { value: "x" } }, templateId: "T", miniprogramState: "developer" })',
    'cloud.openapi.wxacode.get({ path: "p" }).then((r) => ({ ...r, buffer: r.buffer.toString("hex") }))', 'cloud.openapi.refused.here({})', 'cloud.openapi.wrong.user({ a: 1 })',
    'cloud.openapi({ appid: "wx2" }).security.msgSecCheck({ content: "hi", nothing: undefined })', 'cloud.openapi({ convertCase: false }).x.y({ someThing: 1 })',
    'cloud.openapi.security.imgSecCheck({ media: { contentType: "image/png", value: Buffer.from([1, 2, 3]) } })',
    'cloud.getOpenData({ list: ["cid"] })', 'cloud.getOpenData({})', 'cloud.getOpenData()', 'cloud.getVoIPSign({ groupId: "g", timestamp: 1, nonce: "n" })',
    'cloud.getVoIPSign({ groupId: 1 })', 'cloud.cloudPay.unifiedOrder({ body: "tea", outTradeNo: "1", totalFee: 1 })',
    'cloud.callOpenAPI({ api: "x.y", data: { a: 1 } })', 'cloud.callOpenAPI({})'],
  context: ['cloud.getWXContext()'],
  'what is refused here': ['db.collection("c").where(5)', 'db.collection("c").where({ a: undefined })', 'db.collection("c").orderBy("a", "up")',
    'db.collection("c").limit("5")', 'db.collection("c").skip(1.5)', 'db.collection("c").doc({})', 'db.collection()', 'db.collection("c").doc("a").update({})',
    'db.collection("c").doc("a").update({ data: {} })', 'db.collection("c").doc("a").update({ data: { _id: 1 } })', 'db.collection("c").doc("a").set({ data: { n: _.inc(1) } })',
    'db.collection("c").where({}).update({ data: 5 })', 'db.collection("c").add()', 'new db.Geo.Point(200, 0)', 'new db.Geo.Point("a", 0)', 'new db.Geo.LineString([new db.Geo.Point(0, 0)])',
    'new db.Geo.LineString("x")', 'new db.Geo.Polygon([new db.Geo.LineString([new db.Geo.Point(0, 0), new db.Geo.Point(1, 1)])])',
    'new db.Geo.MultiPoint([])', 'db.RegExp({})', 'db.collection("c").doc("no-such").get()', '(() => { const o = {}; o.o = o; return db.collection("c").add({ data: o }); })()'],
  'conditions of every shape': ['_.gt(1).and(_.lt(5))', '_.gt(1).lt(5)', '_.or(_.eq(1), _.eq(2))', '_.or([_.eq(1), _.gt(3).and(_.lt(9))])', '_.not(_.gt(2))', '_.not(/x/)', '_.in([1, "a", new Date(0)])',
    '_.nin([])', '_.exists(false)', '_.mod(4, 1)', '_.mod([4, 1])', '_.all(["a", "b"])', '_.size(3)', '_.elemMatch({ x: _.gt(1), y: "p" })', '_.elemMatch(_.gt(1))', '/^a/i',
    'db.RegExp({ regexp: "^a", options: "i" })', 'new Date(5)', 'db.serverDate()', 'null', '[1, { a: 2 }]', '{ x: { y: 1, z: _.gt(2) } }', '{ x: { $exists: true } }', '_.neq(null)', '_.eq({ a: { b: 1 } })',
    'new db.Geo.Point(1, 2)', '_.geoNear({ geometry: new db.Geo.Point(1, 2), maxDistance: 5 })', '_.geoWithin({ centerSphere: [[1, 2], 3] })', '_.geoWithin({ centerSphere: [new db.Geo.Point(1, 2), 3] })',
    '_.geoIntersects({ geometry: new db.Geo.Point(1, 2) })', '1.5', '5000000000', '-0', 'NaN', '1e21', '2 ** 63', '""', 'true']
    .map((c) => `db.collection("c").where({ f: ${c}, other: 1 }).get()`)
    .concat(['_.or([{ a: 1 }, { b: _.gt(2) }])', '_.and({ a: 1 }, _.or([{ b: 1 }, { c: { d: 2 } }]))', '_.nor([{ a: 1 }])', '_.expr($.gt(["$a", 1]))', '_.jsonSchema({ required: ["a"] })', '{}', '{ a: { b: {} } }', '{ "a.b": { c: 1 } }']
      .map((c) => `db.collection("c").where(${c}).orderBy("a", "desc").orderBy("b", "asc").skip(3).limit(5000).field({ a: true, b: 0, c: _.project.slice([1, 2]), d: _.project.elemMatch({ x: 1 }) }).get()`))
    .concat(['db.collection("c").where({ a: _.gt(1).and(_.lt(5)), b: _.or(_.eq(1), _.eq(2)), c: _.or(_.eq(3), _.eq(4)), d: _.gt(1).and(_.lt(3)) }).count()', 'db.collection("c").limit(0).get()', 'db.collection("c").remove()',
      'db.collection("c").where({ a: 1 }).remove()', 'db.collection("c").where({ a: 1 }).remove({ multi: false })']),
  'changes of every shape': ['_.set({ a: { b: 1 } })', '_.remove()', '_.inc(1.5)', '_.mul(2)', '_.min(new Date(0))', '_.max(9)', '_.rename("g")', '_.bit({ and: 5 })', '_.push(1)', '_.push([1, { a: new Date(0) }])', '_.push(1, 2)',
    '_.push({ each: [1], position: 0, sort: { x: 1 }, slice: -3 })', '_.pop()', '_.shift()', '_.unshift([1, 2])', '_.unshift(1)', '_.addToSet(1)', '_.addToSet({ $each: [1, 2] })', '_.pull(1)', '_.pull(_.gt(4))', '_.pull({ x: _.gt(2) })',
    '_.pull(_.in([1, 2]))', '_.pullAll([1, 2])', 'db.serverDate({ offset: 60000 })', '{ a: { b: 1, c: [1] }, d: null, e: undefined }', '[]', 'new Date(1)', '/x/g', 'new db.Geo.Point(1, 2)', 'null', '{}']
    .map((c) => `db.collection("c").doc("d").update({ data: { f: ${c}, "x.y": 1 } })`)
    .concat(['db.collection("c").where({ a: 1 }).update({ data: { a: _.inc(1) } })', 'db.collection("c").where({ a: 1 }).update({ data: { a: 2 }, multi: false })', 'db.collection("c").doc("d").set({ data: { a: { b: 1 }, c: new Date(0), d: db.serverDate(), g: new db.Geo.Point(1, 2), r: /a/i } })',
      'db.collection("c").doc(5).get()', 'db.collection("c").doc("d").remove()', 'db.collection("c").add({ data: [{ a: 1 }, { _id: "x" }] })']),
  transactions: ['db.runTransaction(async (t) => { await t.collection("c").doc("a").get(); await t.collection("c").add({ data: { a: 1 } }); return 5; })',
    'db.runTransaction(async (t) => { await t.collection("c").doc("a").update({ data: { a: 1 } }); await t.rollback("why"); })', 'db.runTransaction(async () => { throw new Error("mine"); })',
    'db.startTransaction().then(async (t) => { await t.collection("c").doc("a").set({ data: { a: 1 } }); await t.collection("c").doc("a").remove(); await t.rollback(); return "done"; })'],
  aggregation: ['addFields({ a: $.add(["$b", 1]) })', 'match({ a: _.gt(1), b: { c: 1 } })', 'group({ _id: null, n: $.sum(1) })', 'sort({ a: -1 })', 'limit(5)', 'skip(2)', 'count("n")', 'unwind("$a")', 'unwind({ path: "$a" })', 'sample({ size: 1 })',
    'sortByCount("$a")', 'replaceRoot({ newRoot: "$o" })', 'project({ a: 1, d: $.dateToString({ date: "$d", format: "%Y" }), n: $.neq(["$a", 1]) })', 'bucket({ groupBy: "$a", boundaries: [0, 5] })', 'bucketAuto({ groupBy: "$a", buckets: 2 })',
    'lookup({ from: "x", let: { a: "$a" }, pipeline: $.pipeline().match(_.expr($.eq(["$b", "$$a"]))).project({ _id: 0, when: new Date(0) }).done(), as: "l" })', 'geoNear({ near: new db.Geo.Point(1, 2), distanceField: "d", query: { a: _.gt(1) } })']
    .map((s) => `db.collection("c").aggregate().${s}.match({ z: new Date(0) }).end()`),
};

let server, npm, ours;
before(async () => {
  if (skip) return;
  const env = { TENCENTCLOUD_RUNENV: 'SCF', TENCENTCLOUD_SECRETID: 'a', TENCENTCLOUD_SECRETKEY: 'b', TENCENTCLOUD_REGION: 'ap-shanghai',
    SILENCE: 'true', WX_CONTEXT_KEYS: 'WX_OPENID,WX_APPID,WX_CLIENTIP,WX_CLIENTIPV6', WX_OPENID: 'oUser', WX_APPID: 'wxapp', WX_CLIENTIP: '127.0.0.1',
    WX_CLIENTIPV6: '::ffff:127.0.0.1', TCB_ENV: 'test', SCF_NAMESPACE: 'test', TCB_SOURCE: 'wx_client', TCB_CONTEXT_KEYS: 'TCB_CONTEXT_CNFG' };
  server = await serveCloud(makeCloud(), open);
  Object.assign(process.env, env, { TCB_CONTEXT_CNFG: JSON.stringify({ URL: `${server.url}/admin` }) });
  npm = createRequire(clients)('wx-server-sdk');
  npm.init({ env: npm.DYNAMIC_CURRENT_ENV });
  const cloud = makeCloud();
  const files = { 'index.js': `const cloud = require('wx-server-sdk');
const { told } = require('./dialects.cjs');
const run = require('./run.cjs');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database(), _ = db.command, $ = _.aggregate;
const AsyncFunction = (async () => {}).constructor;
exports.main = async (event) => (event.step ? run(require('./dialects.cjs').wx, db)(event)
  : new AsyncFunction('cloud', 'db', '_', '$', 'told', 'Buffer', event.program)(cloud, db, _, $, told, Buffer));
` };
  for (const file of ['run.cjs', 'dialects.cjs', 'scenario.cjs']) files[file] = readFileSync(join(here, file), 'utf8');
  ours = load(files, { env: { TCB_CONTEXT_CNFG: process.env.TCB_CONTEXT_CNFG },
    answer: (body) => JSON.parse(JSON.stringify(cloud(body)).replaceAll('CLOUD', server.url)) });
});
after(() => {
  server?.stop();
  ours?.stop();
});

// Runs in both; gives what each sent and made of it.
async function compare(inNpm, event) {
  server.bodies.length = 0;
  const theirs = await inNpm();
  const sent = server.bodies.splice(0);
  ours.calls.length = 0;
  const mine = await ours.invoke(event);
  const called = ours.calls.splice(0).map(plain);
  assert.equal(mine.failed, undefined, JSON.stringify(mine.failed));
  // What goes by fetch reached the same server.
  const mineSent = [...called, ...server.bodies.splice(0)];
  const order = (list) => list.map((b) => JSON.stringify(sorted(b))).sort();
  assert.deepEqual(order(mineSent), order(sent), 'what is sent');
  return [JSON.parse(JSON.stringify(theirs) ?? 'null'), mine.value];
}

const sorted = (v) => (Array.isArray(v) ? v.map(sorted) : v === null || typeof v !== 'object' ? v
  : Object.fromEntries(Object.keys(v).sort().filter((k) => v[k] !== undefined).map((k) => [k, sorted(v[k])])));

for (const [name, expressions] of Object.entries(PROGRAMS))
  expressions.forEach((expression) => test(`${name}: ${expression.slice(0, 120)}`, { skip }, async () => {
    const program = `return ${said(`await (${expression})`)};`;
    const db = npm.database();
    const AsyncFunction = (async () => {}).constructor;
    const run = new AsyncFunction('cloud', 'db', '_', '$', 'told', 'Buffer', program);
    const [theirs, mine] = await compare(() => run(npm, db, db.command, db.command.aggregate, told, Buffer), { program });
    assert.deepEqual(mine, theirs);
  }));

for (const step of steps) {
  const isIn = (!step.only || step.only.includes(CLIENT)) && !step.not[CLIENT];
  // The package's own retry does not know its own error; ours does.
  if (!isIn || /conflict/.test(step.name)) continue;
  test(`the scenario's step "${step.name}" sends and gives the same`, { skip }, async () => {
    const db = npm.database();
    const { wx } = require('./dialects.cjs');
    const runNpm = async () => {
      try {
        return { value: told(await step.run({ db, d: wx, mark: 'm_', _: db.command, $: db.command.aggregate, c: (n) => db.collection(`m_${n}`) })) };
      } catch (error) {
        return { thrown: { code: error?.errCode ?? error?.code, message: String(error?.errMsg ?? error?.message ?? error) } };
      }
    };
    const [theirs, mine] = await compare(runNpm, { step: step.name, mark: 'm_' });
    if (mine.thrown) delete mine.thrown.stack;
    if (mine.thrown && theirs.thrown && mine.thrown.code === undefined) {
      delete mine.thrown.message; // the engines' words differ
      delete theirs.thrown.message;
    }
    assert.deepEqual(mine, theirs);
  });
}
