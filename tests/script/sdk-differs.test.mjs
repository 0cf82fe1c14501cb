// Where the built-in wx-server-sdk does what the package's documentation says and
// the package does not: what is sent, and what is made of answers.

import test from 'node:test';
import assert from 'node:assert/strict';
import { load } from './fake-host.mjs';
import { plain } from './sdk-wire.mjs';

async function sent(expression, data = { list: [] }) {
  const script = load({ 'index.js': `const cloud = require('wx-server-sdk'); cloud.init(); const db = cloud.database(), _ = db.command, $ = _.aggregate;
exports.main = async () => ({ got: await ${expression} });` }, { answer: () => ({ requestId: 'r', data }) });
  try {
    const { value, failed } = await script.invoke();
    assert.equal(failed, undefined, JSON.stringify(failed));
    return { body: plain(script.calls[0]), got: value.got };
  } finally {
    script.stop();
  }
}
const NOW = { $tcb_server_date: { offset: { $numberInt: '0' } } };

test('serverDate is the server\'s time wherever it stands in a change', async () => {
  const { body } = await sent('db.collection("c").doc("d").update({ data: { a: _.set(db.serverDate()), b: _.push({ each: [db.serverDate()] }), c: _.set({ at: db.serverDate() }), d: _.max(db.serverDate()) } })', { updated: 1 });
  assert.deepEqual(body.data, { $set: { a: NOW, c: { at: NOW } }, $push: { b: { $each: [NOW] } }, $max: { d: NOW } });
});

test('conditions within elemMatch and pull may be chains', async () => {
  const where = await sent('db.collection("c").where({ l: _.elemMatch({ x: _.gt(1).and(_.lt(5)), y: _.in([1]) }) }).get()');
  assert.deepEqual(where.body.query, { l: { $elemMatch: { x: { $gt: { $numberInt: '1' }, $lt: { $numberInt: '5' } }, y: { $in: [{ $numberInt: '1' }] } } } });
  const pull = await sent('db.collection("c").doc("d").update({ data: { l: _.pull(_.gt(1).lt(5)), m: _.pull({ x: _.neq(2) }) } })', { updated: 1 });
  assert.deepEqual(pull.body.data, { $pull: { l: { $gt: { $numberInt: '1' }, $lt: { $numberInt: '5' } }, m: { x: { $ne: { $numberInt: '2' } } } } });
});

test('bytes go in and come out', async () => {
  assert.deepEqual((await sent('db.collection("c").add({ data: { b: Buffer.from("hi"), u: new Uint8Array([255]) } })', { insertedIds: ['x'] })).body.data,
    [{ b: { $binary: { base64: 'aGk=', subType: '00' } }, u: { $binary: { base64: '/w==', subType: '00' } } }]);
  const { got } = await sent('db.collection("c").doc("d").get().then((r) => [Buffer.isBuffer(r.data.b), r.data.b.toString()])',
    { list: ['{"_id":"d","b":{"$binary":{"base64":"aGk=","subType":"00"}}}'] });
  assert.deepEqual(got, [true, 'hi']);
});

test('whole numbers beyond 53 bits may be sent as BigInt', async () => {
  assert.deepEqual((await sent('db.collection("c").add({ data: { n: 9007199254740993n } })', { insertedIds: ['x'] })).body.data, [{ n: { $numberLong: '9007199254740993' } }]);
});

test('every form of Extended JSON is read', async () => {
  const list = ['{"_id":{"$oid":"5f1a2b3c4d5e6f7a8b9c0d1e"},"a":{"$numberDouble":"-0.5"},"b":{"$numberLong":"5"},"c":{"$date":"2020-01-01T00:00:00Z"},"d":{"$date":5},'
    + '"e":{"$regularExpression":{"pattern":"^a","options":"ix"}},"f":{"$numberDouble":"NaN"},"g":{"$timestamp":1},"h":{"type":"Point","coordinates":["no",1]},"i":{"$undefined":true}}'];
  const { got } = await sent('db.collection("c").doc("d").get().then(({ data: r }) => [r._id, r.a, r.b, r.c, r.d.getTime(), String(r.e), String(r.f), r.g.getTime(), r.h, r.i])', { list });
  assert.deepEqual(got, ['5f1a2b3c4d5e6f7a8b9c0d1e', -0.5, 5, '2020-01-01T00:00:00.000Z', 5, '/^a/i', 'NaN', 1000, { type: 'Point', coordinates: ['no', 1] }, null]);
});

test('the stages and operators that the package\'s builder lacks are there', async () => {
  const { body } = await sent('db.collection("c").aggregate().facet({ few: [{ $limit: 1 }] }).graphLookup({ from: "c" }).redact($.cond({ if: true, then: "$$KEEP", else: "$$PRUNE" })).project({ t: $.trim({ input: "$s" }) }).out("o").end()');
  assert.deepEqual(body.stages.map(({ stageKey }) => stageKey), ['$facet', '$graphLookup', '$redact', '$project', '$out']);
  assert.deepEqual(body.stages[3].stageValue, { t: { $trim: { input: '$s' } } });
});

test('_.text takes plain words', async () => {
  assert.deepEqual((await sent('db.collection("c").where({ $text: _.text("tea") }).get()')).body.query, { $text: { $search: 'tea' } });
});

test('a stage object may be kept and added to, as the package allows', async () => {
  const { body } = await sent('(() => { const a = db.collection("c").aggregate(); a.match({ a: 1 }); a.limit(2); return a.end(); })()');
  assert.deepEqual(body.stages.map(({ stageKey }) => stageKey), ['$match', '$limit']);
});

test('throwOnNotFound: false gives null', async () => {
  assert.deepEqual((await sent('cloud.database({ throwOnNotFound: false }).collection("c").doc("d").get()')).got, { data: null, errMsg: 'document.get:ok' });
});
