// Nothing leaks: whatever a caller asks, the answer (results, totals, errors
// and their texts) is the same whether the documents that he may not read are
// there or not, and whoever made those that he may.

import assert from 'node:assert/strict';
import { test, after } from 'node:test';
import { Driver } from '../rules/driver.mjs';

const driver = new Driver(process.env.MPCLOUD_BUILD);
after(() => driver.child.kill());

const alice = { openid: 'alice', uid: 'u1', loginType: 'WECHAT' };

// What alice may see, under each of the permissions below.
const visible = [
  { _id: 'v1', _openid: 'alice', public: true, n: 4, s: 'apple', t: [1, 2], o: { k: 'x' }, d: '2020', ref: 'v2', at: { type: 'Point', coordinates: [1, 1] } },
  { _id: 'v2', _openid: 'alice', public: true, n: 8, s: 'pear', t: [3], o: { k: 'y' }, d: '2021', ref: 'v1', at: { type: 'Point', coordinates: [2, 2] } },
];
// What she may not: values that make operators fail or answer otherwise.
const hidden = [
  { _id: 'h1', _openid: 'bob', n: 0, s: 'secret', t: 'not a list', o: 5, d: 'no date', ref: 'v1', at: { type: 'Point', coordinates: [1.0001, 1] } },
  { _id: 'h2', _openid: 'bob', n: 'text', s: { deep: 1 }, t: [[1]], o: [{ k: 'x' }], d: null, ref: ['v1', 'h1'], at: 'nowhere' },
  { _id: 'h3', _openid: 'carol', n: -1, s: '(', t: [], o: null, d: 7, ref: 'v2' },
];

const shapes = [
  // conditions that can fail on a document
  ...['{"$expr":{"$gt":[{"$divide":[8,"$n"]},1]}}', '{"$expr":{"$eq":[{"$toInt":"$n"},4]}}', '{"$expr":{"$arrayElemAt":["$t",0]}}',
    '{"$expr":{"$gt":[{"$size":"$t"},0]}}', '{"$expr":{"$eq":[{"$add":["$n","$s"]},1]}}', '{"$expr":{"$regexMatch":{"input":"$s","regex":"a"}}}',
    '{"$expr":{"$dateFromString":{"dateString":"$d"}}}', '{"$or":[{"$expr":{"$toInt":"$s"}},{"n":4}]}',
    '{"n":{"$gte":0}}', '{"n":{"$ne":4}}', '{"s":{"$regex":"^s"}}', '{"s":{"$not":{"$regex":"^a"}}}', '{"n":{"$mod":[2,0]}}', '{"t":{"$size":0}}',
    '{"t":{"$elemMatch":{"$gt":0}}}', '{"o.k":"x"}', '{"n":{"$type":"string"}}', '{"$nor":[{"public":true}]}', '{"public":{"$exists":false}}',
    '{"_id":{"$in":["h1","v1"]}}', '{"_id":"h1"}', '{"_id":{"$gt":"a"}}', '{"_openid":"{openid}"}', '{"_openid":"alice"}', '{"_openid":"bob"}',
    '{"_openid":{"$ne":"{openid}"}}', '{"_openid":{"$gt":"a"}}', '{"_openid":{"$regex":"^b"}}', '{"_openid":{"$exists":true}}',
    '{"$expr":{"$eq":["$_openid","bob"]}}', '{"$expr":{"$eq":["$$ROOT._openid","bob"]}}', '{"$expr":{"$gt":["$$ROOT",{}]}}',
    '{"$jsonSchema":{"required":["_openid"]}}', '{"$jsonSchema":{"properties":{"_openid":{"enum":["alice"]}}}}', '{"$jsonSchema":{"minProperties":10}}',
    '{"$nor":[{"_openid":"{openid}"}]}', '{"n":{"$in":[0,4]}}', '{}',
  ].map(JSON.parse).flatMap((query) => [['find', { query }], ['count', { query }], ['find', { query, limit: 1, skip: 1 }],
    ['aggregate', { stages: [{ $match: query }] }], ['aggregate', { stages: [{ $match: query }, { $count: 'n' }] }],
    ['update', { query, data: { $set: { x: 1 } }, merge: true, multi: true }], ['updateReturn', { query, data: { $inc: { n: 1 } }, merge: true }],
    ['remove', { query: { $and: [query, { none: 1 }] }, multi: true }]]),
  // order and projection
  ...[{ n: 1 }, { s: -1 }, { 'o.k': 1, t: -1 }, { _openid: 1 }, { public: 1, _id: -1 }].map((order) => ['find', { order }]),
  ...[{ n: 1 }, { _openid: 1 }, { s: 0 }, { t: { $slice: 1 } }, { t: { $elemMatch: { $gt: 1 } } }, { '_openid.x': 1 }]
    .map((projection) => ['find', { projection }]),
  // pipelines
  ...[
    [{ $group: { _id: null, n: { $sum: 1 }, all: { $push: '$$ROOT' }, most: { $max: '$n' }, who: { $addToSet: '$_openid' } } }],
    [{ $group: { _id: '$_openid', n: { $sum: 1 } } }],
    [{ $sort: { _openid: 1 } }, { $project: { _id: 1 } }],
    [{ $sortByCount: '$_openid' }],
    [{ $addFields: { who: '$_openid' } }],
    [{ $project: { who: '$_openid', all: '$$ROOT', q: { $divide: [8, '$n'] } } }],
    [{ $project: { q: { $toInt: '$s' } } }],
    [{ $replaceRoot: { newRoot: { all: '$$CURRENT' } } }],
    [{ $unwind: '$t' }, { $sort: { t: 1 } }],
    [{ $bucket: { groupBy: '$n', boundaries: [2, 5, 10] } }],
    [{ $bucket: { groupBy: '$_openid', boundaries: ['a', 'b', 'c'], default: 'other' } }],
    [{ $bucketAuto: { groupBy: '$n', buckets: 2 } }],
    [{ $facet: { a: [{ $count: 'n' }], b: [{ $match: { s: 'secret' } }], c: [{ $group: { _id: '$_openid' } }] } }],
    [{ $redact: { $cond: [{ $eq: ['$_openid', 'alice'] }, '$$KEEP', '$$PRUNE'] } }],
    [{ $redact: { $cond: [{ $gt: [{ $divide: [8, '$n'] }, 1] }, '$$KEEP', '$$PRUNE'] } }],
    [{ $sample: { size: 100 } }, { $sort: { _id: 1 } }],
    [{ $skip: 1 }, { $limit: 5 }],
    [{ $lookup: { from: 'docs', localField: 'ref', foreignField: '_id', as: 'r' } }],
    [{ $lookup: { from: 'docs', localField: '_id', foreignField: 'ref', as: 'r' } }],
    [{ $lookup: { from: 'docs', localField: 'n', foreignField: 'nothing', as: 'r' } }],
    [{ $lookup: { from: 'docs', localField: '_openid', foreignField: '_openid', as: 'r' } }],
    [{ $lookup: { from: 'mine', localField: '_openid', foreignField: 'guess', as: 'r' } }],
    [{ $lookup: { from: 'mine', localField: 's', foreignField: '_openid', as: 'r' } }],
    [{ $lookup: { from: 'docs', let: { r: '$ref' }, pipeline: [{ $match: { $expr: { $ne: ['$_id', '$$r'] } } }, { $sort: { _id: 1 } }], as: 'r' } }],
    [{ $lookup: { from: 'docs', let: { w: '$_openid' }, pipeline: [{ $match: { $expr: { $eq: ['$_openid', '$$w'] } } }], as: 'r' } }],
    [{ $lookup: { from: 'docs', pipeline: [{ $project: { q: { $divide: [1, '$n'] } } }], as: 'r' } }],
    [{ $lookup: { from: 'secret', pipeline: [], as: 'r' } }],
    [{ $lookup: { from: 'nowhere', pipeline: [], as: 'r' } }],
    [{ $unionWith: 'docs' }, { $sort: { _id: 1 } }],
    [{ $unionWith: { coll: 'docs', pipeline: [{ $group: { _id: '$_openid' } }] } }, { $sort: { _id: 1 } }],
    [{ $unionWith: 'secret' }],
    [{ $graphLookup: { from: 'docs', startWith: '$ref', connectFromField: 'ref', connectToField: '_id', as: 'r' } }],
    [{ $graphLookup: { from: 'docs', startWith: '$_openid', connectFromField: '_openid', connectToField: '_openid', as: 'r' } }],
    [{ $graphLookup: { from: 'mine', startWith: '$_openid', connectFromField: 'guess', connectToField: 'guess', as: 'r' } }],
    [{ $graphLookup: { from: 'docs', startWith: 'v1', connectFromField: 'ref', connectToField: 'ref', as: 'r', restrictSearchWithMatch: { _openid: { $gt: 'a' } } } }],
    [{ $geoNear: { near: { type: 'Point', coordinates: [1, 1] }, distanceField: 'far', key: 'at', spherical: true } }],
    [{ $geoNear: { near: { type: 'Point', coordinates: [1, 1] }, distanceField: 'far', key: 'at', spherical: true, query: { s: 'secret' } } }],
    [{ $collStats: { count: {}, storageStats: {} } }],
    [{ $indexStats: {} }],
    [{ $out: 'stolen' }],
    [{ $merge: 'stolen' }],
    [{ $match: { $expr: { $gt: [{ $divide: [8, '$n'] }, 1] } } }, { $group: { _id: null, s: { $push: '$s' } } }],
    [{ $sort: { n: 1 } }, { $limit: 1 }],
    [{ $group: { _id: { $toInt: '$n' } } }, { $sort: { _id: 1 } }],
    [{ $project: { x: { $reduce: { input: '$t', initialValue: 0, in: { $add: ['$$value', '$$this'] } } } } }],
  ].map((stages) => ['aggregate', { stages }]),
  // writes
  ...[{ $inc: { s: 1 } }, { $push: { n: 1 } }, { $push: { t: 5 } }, { $set: { 'o.k.z': 1 } }, { $mul: { o: 2 } }, { $pop: { s: 1 } }, { $rename: { s: 'z' } },
    { $set: { 't.$': 1 } }, { $set: { 't.$[]': 9 } }, { $addToSet: { s: 1 } }, { $bit: { n: { and: 1 } } }, { $min: { n: 1 } }]
    .flatMap((data) => [['update', { query: {}, data, merge: true, multi: true }], ['update', { query: { _id: 'h1' }, data, merge: true }],
      ['update', { query: { s: 'secret' }, data, merge: true }], ['updateReturn', { query: { _id: 'h1' }, data, merge: true }],
      ['updateReturn', { query: {}, data, merge: true }]]),
  ['remove', { query: { _id: 'h1' } }], ['remove', { query: { s: 'secret' }, multi: true }], ['remove', { query: { n: { $lte: 0 } }, multi: true }],
  ['update', { query: { _id: 'h1' }, data: { n: 1 }, merge: false }],
];

// An id is taken or it is not: who names one learns that, as everywhere.
const tells = (verb, more) => verb === 'insert' || more.upsert;

async function answers(documents) {
  const out = [];
  for (const [verb, more] of shapes) {
    assert.ok(!tells(verb, more));
    await driver.fill('docs', documents);
    const answer = await driver.run(verb, 'docs', alice, more);
    if (more.stages?.some((s) => s.$out || s.$merge)) assert.ok(answer.err, 'a user wrote a collection');
    // which of several visible documents failed first is chance
    answer.text = answer.text?.replaceAll(/'(apple|pear|v1|v2|2020|2021)'/g, "'…'");
    out.push([JSON.stringify([verb, more]), answer]);
  }
  return out;
}

// Without PostGIS a sphere is an error, with which of its rows is chance.
const isOff = (answer) => /PostGIS/.test(answer.text);

function same(a, b) {
  const wrong = a.filter(([, answer], i) => JSON.stringify(answer) !== JSON.stringify(b[i][1]) && !isOff(answer) && !isOff(b[i][1]));
  assert.deepEqual(wrong.map(([shape, answer]) => [shape, answer, b.find(([s]) => s === shape)[1]]), []);
}

const permissions = {
  PRIVATE: ['PRIVATE', {}],
  'rules that ask the owner': ['CUSTOM', { rules: { read: 'doc._openid == auth.openid', write: 'doc._openid == auth.openid' } }],
  'rules that ask a field': ['CUSTOM', { rules: { read: 'doc.public == true', update: 'doc.public && request.data.price == undefined', delete: 'doc.public' } }],
  'rules that ask another collection': ['CUSTOM', { rules: { read: "get(`database.secret.${doc.s}`).ok == true", write: "get(`database.secret.${doc.s}`).ok" } }],
};

test('the collections are there', async () => {
  await driver.permit('docs', 'ADMINONLY');
  await driver.permit('mine', 'READONLY');
  await driver.permit('secret', 'ADMINONLY');
  await driver.fill('mine', [{ _id: 'm1', _openid: 'alice', guess: 'bob' }, { _id: 'm2', _openid: 'alice', guess: 'carol' }]);
  await driver.fill('secret', [{ _id: 'apple', ok: true }, { _id: 'pear', ok: true }, { _id: 'secret', ok: false }]);
});

for (const [name, [permission, more]] of Object.entries(permissions))
  test(`hidden documents change no answer: ${name}`, async () => {
    await driver.permit('docs', permission, more);
    const without = await answers(visible);
    same(without, await answers([...visible, ...hidden]));
    same(without, await answers([...hidden, ...visible].map((d) => (d.public ? d : { ...d, n: 4, s: 'x', t: [9], o: { k: 'z' } }))));
    // and the shapes did ask something
    assert.ok(without.filter(([, a]) => !a.err && (a.total || a.list.length)).length > shapes.length / 4);
    assert.ok(!without.some(([, a]) => /_openid|bob|carol/.test(JSON.stringify(a.list))));
  });

test('who made a document that all may read is not told', async () => {
  await driver.permit('docs', 'READONLY');
  const everything = [...visible, ...hidden];
  const others = { bob: 'dave', carol: 'aaron' };
  // an error speaks of the first document that fails, and all are visible
  const asked = async (documents) => (await answers(documents)).map(([shape, a]) => [shape, a.err === 'ERR_DB_PARAM' ? { err: a.err } : a]);
  const before = await asked(everything);
  same(before, await asked(everything.map((d) => ({ ...d, _openid: others[d._openid] ?? d._openid }))));
});

test('the driver ends well', async () => {
  assert.equal(await driver.end(), 0);
});
