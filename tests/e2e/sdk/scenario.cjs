'use strict';
// What every SDK does to the database, one table for all of them.
//
// A step runs inside a deployed function (or, for js-sdk, here) and gives a
// plain value; `expect` is that value, or a function that asserts.  Expected
// values are MongoDB's documented semantics and what the SDKs' own
// documentation and sources promise; none was taken from this server.
// `not`: clients whose SDK lacks the API or sends something else, with the
// reason.
const assert = require('node:assert/strict');

const steps = [];
function step(name, run, expect, more = {}) {
  steps.push({ name, run, expect, not: {}, ...more });
}

// Clients by what their SDKs are.
const GEN1 = ['wx-server-sdk-1.8.3', 'tcb-admin-node-1.23.0', 'cloudbase-js-sdk-1.8.4',
  'cloudbase-js-sdk-2.32.0', 'cloudbase-js-sdk-3.7.0'];
const JS = ['cloudbase-js-sdk-1.8.4', 'cloudbase-js-sdk-2.32.0', 'cloudbase-js-sdk-3.7.0'];
const OURS = ['mpcloud.js'];
const WX = ['wx-server-sdk-1.8.3', 'wx-server-sdk-2.6.3', 'wx-server-sdk-3.0.4', 'wx-server-sdk-4.0.2'];
const lacking = (names, why) => ({ not: Object.fromEntries(names.map((n) => [n, why])) });
const PLAIN_JSON = 'generation 1 writes plain JSON, which has no NaN and no other types';

const ids = (list) => list.map((d) => d._id);
const date = (text) => ({ $date: Date.parse(text) });

// ---- a place to work --------------------------------------------------------

const BASE = [
  { _id: 'a', n: 1, s: 'apple', tags: ['red', 'fruit'], price: 1.5, o: { k: true, deep: { z: 1 } },
    at: new Date('2020-01-01T00:00:00Z'), list: [{ x: 1, y: 'p' }, { x: 5, y: 'q' }], nil: null },
  { _id: 'b', n: 2, s: 'banana', tags: ['yellow', 'fruit'], price: 0.25, o: { k: false },
    at: new Date('2021-02-03T04:05:06.789Z'), list: [{ x: 3, y: 'p' }] },
  { _id: 'c', n: 3, s: 'Cherry', tags: [], price: 10, o: { k: true },
    at: new Date('2022-06-15T12:00:00Z'), list: [] },
  { _id: 'd', n: 4, s: 'date', price: 7, big: 5000000000 },
  { _id: 'e', n: 10, s: 'elder', tags: 'fruit', price: 2 },
];
const OTHERS = [
  { _id: 'u1', name: 'one', likes: 'a', age: 20 },
  { _id: 'u2', name: 'two', likes: 'b', age: 30 },
  { _id: 'u3', name: 'three', likes: 'a', age: 40 },
];

step('collections are made, once each', async ({ db, d, mark }) => {
  for (const name of ['base', 'others', 'work', 'bank'])
    await db.createCollection(mark + name);
  const again = await d.fails(db.createCollection(`${mark}base`));
  return { code: again.code ?? again.errCode, says: /Table exist/.test(again.message) };
}, (v) => assert.deepEqual({ ...v, code: [-502001, 'DATABASE_REQUEST_FAILED'].includes(v.code) },
  { code: true, says: true }), lacking([...JS, ...OURS], 'a user makes no collections; they are the project\'s'));

step('documents are added under ids of their own', async ({ d, c }) => {
  const made = [];
  for (const doc of BASE) made.push(await d.add(c('base'), doc));
  for (const doc of OTHERS) await d.add(c('others'), doc);
  return made;
}, ['a', 'b', 'c', 'd', 'e']);

step('a document without an _id gets one, a string', async ({ d, c }) => {
  const id = await d.add(c('work'), { made: true });
  const doc = await d.one(c('work').doc(id));
  return { type: typeof id, long: id.length >= 20, same: doc._id === id, made: doc.made };
}, { type: 'string', long: true, same: true, made: true });

step('several documents are added at once', async ({ d, c }) => {
  const made = await d.addMany(c('work'), [{ _id: 'm1', n: 1 }, { _id: 'm2', n: 2 }, { n: 3 }]);
  return { first: made.slice(0, 2), count: made.length,
    there: ids(await d.list(c('work').where({ _id: /^m/ }).orderBy('_id', 'asc'))) };
}, { first: ['m1', 'm2'], count: 3, there: ['m1', 'm2'] },
lacking(['wx-server-sdk-1.8.3', 'tcb-admin-node-1.23.0', 'cloudbase-js-sdk-1.8.4', 'cloudbase-js-sdk-2.32.0'],
  'this version adds one document at a time'));

// ---- values -------------------------------------------------------------------

step('values come back as they went in', async ({ d, c }) => {
  const doc = { _id: 'types', int: 3, neg: -7, zero: 0, f: 1.5, big: 5000000000, tiny: 1e-7, huge: 1e21,
    t: true, f2: false, nil: null, s: 'text', han: '名字 \u{1F600}', quote: 'a"b\\c\n', empty: '', list: [1, 'x', null, [2, []]],
    o: { k: { z: [{ y: 1 }] }, e: {} }, when: new Date(1577836800123), early: new Date(-1),
    whens: [new Date(0)], dotted: { '中': 1 } };
  await d.add(c('work'), doc);
  return d.one(c('work').doc('types'));
}, { _id: 'types', int: 3, neg: -7, zero: 0, f: 1.5, big: 5000000000, tiny: 1e-7, huge: 1e21,
  t: true, f2: false, nil: null, s: 'text', han: '名字 \u{1F600}', quote: 'a"b\\c\n', empty: '', list: [1, 'x', null, [2, []]],
  o: { k: { z: [{ y: 1 }] }, e: {} }, when: { $date: 1577836800123 }, early: { $date: -1 },
  whens: [{ $date: 0 }], dotted: { 中: 1 } });

step('NaN and the infinities come back', async ({ d, c }) => {
  await d.add(c('work'), { _id: 'nan', nan: NaN, up: Infinity, down: -Infinity });
  return d.one(c('work').doc('nan'));
}, { _id: 'nan', nan: { $number: 'NaN' }, up: { $number: 'Infinity' }, down: { $number: '-Infinity' } },
lacking(GEN1, PLAIN_JSON));

step('serverDate is the server\'s time, with an offset too', async ({ db, d, c }) => {
  await d.add(c('work'), { _id: 'sd', now: db.serverDate(), later: db.serverDate({ offset: 3600000 }) });
  const doc = await d.one(c('work').doc('sd'));
  return { near: Math.abs(doc.now.getTime() - Date.now()) < 60000,
    offset: doc.later.getTime() - doc.now.getTime() };
}, { near: true, offset: 3600000 });

step('an ObjectId is told as its hex text', async ({ db, d, c }) => {
  await d.add(c('work'), { _id: 'oid', ref: db.ObjectId({ id: '5f1a2b3c4d5e6f7a8b9c0d1e' }) });
  return [await d.one(c('work').doc('oid')),
    await d.count(c('work').where({ ref: db.ObjectId({ id: '5f1a2b3c4d5e6f7a8b9c0d1e' }) }))];
}, [{ _id: 'oid', ref: '5f1a2b3c4d5e6f7a8b9c0d1e' }, 1],
{ only: ['cloudbase-node-sdk-3.18.3'] });

step('a Geo point comes back as one', async ({ db, d, c }) => {
  await d.add(c('work'), { _id: 'geo', at: new db.Geo.Point(113.5, 23.25) });
  const { at } = await d.one(c('work').doc('geo'));
  return { longitude: at.longitude, latitude: at.latitude, json: at };
}, { longitude: 113.5, latitude: 23.25, json: { type: 'Point', coordinates: [113.5, 23.25] } });

step('numbers beyond 53 and 64 bits are what JavaScript makes of them', async ({ d, c }) => {
  const doc = { _id: 'wide', max: Number.MAX_SAFE_INTEGER, wide: 2 ** 63, wider: 1e20, min: -(2 ** 53), small: 5e-324 };
  await d.add(c('work'), doc);
  return [await d.one(c('work').doc('wide')), await d.count(c('work').where({ wide: 2 ** 63 }))];
}, [{ _id: 'wide', max: 9007199254740991, wide: 9223372036854775808, wider: 100000000000000000000, min: -9007199254740992,
  small: 5e-324 }, 1]);

step('a NUL and half a surrogate pair come back or are refused by name', async ({ d, c }) => {
  const said = {};
  for (const [name, text] of [['nul', 'a\0b'], ['half', 'a\ud83db']]) {
    try {
      await d.add(c('work'), { _id: `odd-${name}`, text });
      said[name] = (await d.one(c('work').doc(`odd-${name}`))).text === text || 'changed';
    } catch (error) {
      said[name] = String(error.errMsg ?? error.message);
    }
  }
  return said;
}, (v) => {
  for (const said of Object.values(v))
    if (said !== true) assert.match(said, /NUL|u0000|surrogate|Unicode|UTF/i);
});

step('a document may be a hundred levels deep', async ({ d, c }) => {
  let deep = 1;
  for (let i = 0; i < 97; i++) deep = { d: deep };
  await d.add(c('work'), { _id: 'deep', deep });
  let { deep: got } = await d.one(c('work').doc('deep'));
  let levels = 0;
  for (; typeof got === 'object'; levels++) got = got.d;
  return levels;
}, 97);

step('an _id may be a number', async ({ d, c }) => {
  await d.set(c('work').doc(12345), { n: 1 });
  await d.update(c('work').doc(12345), { n: 2 });
  const doc = await d.one(c('work').doc(12345));
  return [doc, await d.count(c('work').where({ _id: 12345 })), await d.count(c('work').where({ _id: '12345' })),
    await d.remove(c('work').doc(12345))];
}, [{ _id: 12345, n: 2 }, 1, 0, 1]);

step('member names may be nearly anything', async ({ d, c }) => {
  const doc = { _id: 'names', 'with space': 1, 'quote"': 2, "single'": 3, 'ü': 4, constructor: 5, toString: 6, '': 7, a: { '0': 8 } };
  await d.add(c('work'), doc);
  return d.one(c('work').doc('names'));
}, { _id: 'names', 'with space': 1, 'quote"': 2, "single'": 3, 'ü': 4, constructor: 5, toString: 6, '': 7, a: { 0: 8 } });

// ---- conditions ---------------------------------------------------------------

// Conditions on BASE and the ids they find.
function finds(name, where, expected, more) {
  step(`where: ${name}`, async ({ db, d, c, _, $ }) =>
    ids(await d.list(c('base').where(where(_, $, db)).orderBy('_id', 'asc'))), expected, more);
}
finds('equality', () => ({ n: 2 }), ['b']);
finds('eq', (_) => ({ n: _.eq(2) }), ['b']);
finds('a string', () => ({ s: 'apple' }), ['a']);
finds('an array holds the value', () => ({ tags: 'fruit' }), ['a', 'b', 'e']);
finds('a whole array', () => ({ tags: ['red', 'fruit'] }), ['a']);
finds('null also matches what is missing', () => ({ nil: null }), ['a', 'b', 'c', 'd', 'e']);
finds('a nested object is dotted', () => ({ o: { k: true } }), ['a', 'c']);
finds('a dotted path', () => ({ 'o.deep.z': 1 }), ['a']);
finds('a dotted path through an array', () => ({ 'list.x': 3 }), ['b']);
finds('an index into an array', () => ({ 'list.0.x': 1 }), ['a']);
finds('neq', (_) => ({ n: _.neq(1) }), ['b', 'c', 'd', 'e']);
finds('neq of an array\'s element', (_) => ({ tags: _.neq('fruit') }), ['c', 'd']);
finds('gt', (_) => ({ n: _.gt(3) }), ['d', 'e']);
finds('gte and lte', (_) => ({ n: _.gte(2).and(_.lte(3)) }), ['b', 'c']);
finds('lt', (_) => ({ price: _.lt(1.5) }), ['b']);
finds('comparison stays within a type', (_) => ({ s: _.gt(1) }), []);
finds('comparison of strings', (_) => ({ s: _.gte('banana') }), ['b', 'd', 'e']);
finds('in', (_) => ({ n: _.in([1, 3, 'x']) }), ['a', 'c']);
finds('in with null', (_) => ({ big: _.in([null]) }), ['a', 'b', 'c', 'e']);
finds('nin', (_) => ({ n: _.nin([1, 2]) }), ['c', 'd', 'e']);
finds('and of conditions on the document', (_) => _.and([{ n: _.gt(1) }, { n: _.lt(4) }]), ['b', 'c']);
finds('or of conditions on the document', (_) => _.or([{ n: 1 }, { s: 'banana' }]), ['a', 'b']);
finds('or on one field', (_) => ({ n: _.or(_.lt(2), _.gt(4)) }), ['a', 'e']);
finds('nor', (_) => _.nor([{ n: 1 }, { n: 2 }]), ['c', 'd', 'e']);
finds('not', (_) => ({ n: _.not(_.gt(2)) }), ['a', 'b']);
finds('not also matches what is missing', (_) => ({ big: _.not(_.gt(1)) }), ['a', 'b', 'c', 'e']);
finds('exists', (_) => ({ big: _.exists(true) }), ['d']);
finds('exists, of null', (_) => ({ nil: _.exists(true) }), ['a']);
finds('does not exist', (_) => ({ tags: _.exists(false) }), ['d']);
finds('mod', (_) => ({ n: _.mod([2, 0]) }), ['b', 'd', 'e'], lacking(
  ['wx-server-sdk-2.6.3', 'wx-server-sdk-3.0.4', 'wx-server-sdk-4.0.2', 'cloudbase-node-sdk-3.18.3'],
  'mod takes two numbers in this version'));
finds('mod of two numbers', (_) => ({ n: _.mod(2, 0) }), ['b', 'd', 'e'], lacking(GEN1,
  'database 0.x loses the second number'));
finds('all', (_) => ({ tags: _.all(['fruit', 'red']) }), ['a']);
finds('size', (_) => ({ tags: _.size(2) }), ['a', 'b']);
finds('size 0', (_) => ({ tags: _.size(0) }), ['c']);
finds('elemMatch holds one element to all', (_) => ({ list: _.elemMatch({ x: _.gt(2), y: 'p' }) }), ['b']);
finds('elemMatch of plain values', (_) => ({ tags: _.elemMatch(_.eq('red')) }), ['a']);
finds('a regular expression', () => ({ s: /^b/ }), ['b']);
finds('a regular expression without case', () => ({ s: /CHERRY/i }), ['c']);
finds('db.RegExp', (_, $, db) => ({ s: db.RegExp({ regexp: 'AN', options: 'i' }) }), ['b']);
finds('dates', (_) => ({ at: _.gt(new Date('2020-06-01')) }), ['b', 'c']);
finds('a date\'s equality', () => ({ at: new Date('2020-01-01T00:00:00Z') }), ['a']);
finds('big numbers', (_) => ({ big: _.gte(5000000000) }), ['d']);
finds('expr', (_, $) => _.expr($.gt(['$price', '$n'])), ['a', 'c', 'd']);
finds('jsonSchema', (_) => _.jsonSchema({ required: ['big'] }), ['d']);

finds('eq of the _id', (_) => ({ _id: _.eq('b') }), ['b']);
step('where: text', async ({ d, c, _ }) => ids(await d.list(c('texts').where({ $text: _.text({ search: 'tea' }) })
  .orderBy('_id', 'asc'))), ['t1', 't3']);

step('orderBy, skip and limit', async ({ d, c }) => [
  ids(await d.list(c('base').orderBy('n', 'desc'))),
  ids(await d.list(c('base').orderBy('n', 'asc').skip(1).limit(2))),
  ids(await d.list(c('base').orderBy('price', 'asc').limit(3))),
], [['e', 'd', 'c', 'b', 'a'], ['b', 'c'], ['b', 'a', 'e']]);

step('orderBy of two fields, what is missing first', async ({ d, c }) =>
  ids(await d.list(c('base').orderBy('o.k', 'asc').orderBy('n', 'desc'))), ['e', 'd', 'b', 'c', 'a']);

step('orderBy of strings is by their bytes', async ({ d, c }) =>
  ids(await d.list(c('base').orderBy('s', 'asc'))), ['c', 'a', 'b', 'd', 'e']);

step('field picks fields', async ({ d, c }) => [
  await d.list(c('base').where({ _id: 'b' }).field({ s: true, 'o.k': true })),
  await d.list(c('base').where({ _id: 'e' }).field({ s: false, price: false, tags: false })),
  await d.list(c('base').where({ _id: 'e' }).field({ _id: false, n: true })),
], [[{ _id: 'b', s: 'banana', o: { k: false } }], [{ _id: 'e', n: 10 }], [{ n: 10 }]]);

step('doc.field picks fields', async ({ d, c }) => d.one(c('base').doc('a').field({ n: true })), { _id: 'a', n: 1 });

step('field slices an array', async ({ d, c, _ }) =>
  (await d.list(c('base').where({ _id: 'a' }).field({ tags: _.project.slice(1), n: true })))[0].tags, ['red']);

step('field picks an array\'s matching element', async ({ d, c, _ }) =>
  (await d.list(c('base').where({ _id: 'a' }).field({ list: _.project.elemMatch({ x: 5 }) })))[0],
{ _id: 'a', list: [{ x: 5, y: 'q' }] });

step('count', async ({ d, c, _ }) => [await d.count(c('base')), await d.count(c('base').where({ n: _.gt(2) })),
  await d.count(c('base').where({ n: -1 }))], [5, 3, 0]);

step('what no document matches is an empty list', async ({ d, c }) => d.list(c('base').where({ s: 'nothing' })), []);

step('a list without a limit is 100 documents, 20 in a page, and 1000 at most', async ({ d, c }) => {
  const many = Array.from({ length: 1010 }, (unused, i) => ({ _id: `k${i}`, bulk: true, i }));
  for (let i = 0; i < many.length; i += 505) await d.addMany(c('work'), many.slice(i, i + 505));
  return [(await d.list(c('work').where({ bulk: true }))).length,
    (await d.list(c('work').where({ bulk: true }).limit(1000))).length, await d.remove(c('work').where({ bulk: true }))];
}, ([preset, top, removed], name) => {
  assert.deepEqual([preset, top, removed], [name === 'mpcloud.js' ? 20 : 100, 1000, 1010]);
}, lacking(['wx-server-sdk-1.8.3', 'tcb-admin-node-1.23.0', 'cloudbase-js-sdk-1.8.4', 'cloudbase-js-sdk-2.32.0'],
  'this version adds one document at a time'));

// ---- changes --------------------------------------------------------------------

// A document, a change, the document afterwards (without its _id).
function changes(name, before, change, after, more) {
  step(`update: ${name}`, async ({ db, d, c, _ }) => {
    const _id = `u ${name}`;
    await d.add(c('work'), { _id, ...before });
    const updated = await d.update(c('work').doc(_id), change(_, db));
    const { _id: same, ...rest } = await d.one(c('work').doc(_id));
    return { updated, same: same === _id, rest };
  }, { updated: 1, same: true, rest: after }, more);
}
changes('a nested object merges', { o: { k: true, x: 1 } }, () => ({ o: { z: 1 } }), { o: { k: true, x: 1, z: 1 } });
changes('a dotted path', { o: { k: true } }, () => ({ 'o.k': false, 'o.new.deep': 5 }), { o: { k: false, new: { deep: 5 } } });
changes('an array is replaced whole', { l: [1, 2, 3] }, () => ({ l: [9] }), { l: [9] });
changes('set replaces an object whole', { o: { k: true } }, (_) => ({ o: _.set({ z: 1 }) }), { o: { z: 1 } });
changes('remove takes a field away', { a: 1, b: 2 }, (_) => ({ a: _.remove() }), { b: 2 });
changes('inc', { n: 1, f: 0.1 }, (_) => ({ n: _.inc(-3), f: _.inc(0.2), fresh: _.inc(4) }),
  { n: -2, f: 0.30000000000000004, fresh: 4 });
changes('mul', { n: 6, f: 1.5 }, (_) => ({ n: _.mul(7), f: _.mul(2), fresh: _.mul(5) }), { n: 42, f: 3, fresh: 0 });
changes('min and max', { a: 5, b: 5, c: 5, d: 5 }, (_) => ({ a: _.min(3), b: _.min(7), c: _.max(3), d: _.max(7) }),
  { a: 3, b: 5, c: 5, d: 7 });
changes('rename', { a: 1, o: { x: 2 } }, (_) => ({ a: _.rename('b') }), { b: 1, o: { x: 2 } });
changes('bit', { f: 13 }, (_) => ({ f: _.bit({ and: 10 }) }), { f: 8 });
changes('push a value', { l: [1] }, (_) => ({ l: _.push(2), fresh: _.push('x') }), { l: [1, 2], fresh: ['x'] });
changes('push several', { l: [1] }, (_) => ({ l: _.push([2, 3]) }), { l: [1, 2, 3] });
changes('push at a position', { l: [1, 2] }, (_) => ({ l: _.push({ each: [8, 9], position: 1 }) }), { l: [1, 8, 9, 2] });
changes('push, sort and slice', { l: [5, 1] }, (_) => ({ l: _.push({ each: [3, 9], sort: -1, slice: 3 }) }), { l: [9, 5, 3] });
changes('push sorts documents by a field', { l: [{ x: 3 }] }, (_) => ({ l: _.push({ each: [{ x: 1 }], sort: { x: 1 } }) }),
  { l: [{ x: 1 }, { x: 3 }] });
changes('unshift', { l: [3] }, (_) => ({ l: _.unshift([1, 2]) }), { l: [1, 2, 3] });
changes('pop', { l: [1, 2, 3] }, (_) => ({ l: _.pop() }), { l: [1, 2] });
changes('shift', { l: [1, 2, 3] }, (_) => ({ l: _.shift() }), { l: [2, 3] });
changes('pull a value', { l: [1, 2, 1, 3] }, (_) => ({ l: _.pull(1) }), { l: [2, 3] });
changes('pull by a condition', { l: [1, 5, 9] }, (_) => ({ l: _.pull(_.gt(4)) }), { l: [1] });
changes('pull documents by a condition', { l: [{ x: 1, y: 1 }, { x: 5, y: 2 }] }, (_) => ({ l: _.pull({ x: _.gt(2) }) }),
  { l: [{ x: 1, y: 1 }] });
changes('pullAll', { l: [1, 2, 3, 2] }, (_) => ({ l: _.pullAll([1, 2]) }), { l: [3] });
changes('addToSet', { l: [1, 2] }, (_) => ({ l: _.addToSet(2), m: _.addToSet('x') }), { l: [1, 2], m: ['x'] });
changes('addToSet of several', { l: [1] }, (_) => ({ l: _.addToSet({ $each: [1, 2, 2, 3] }) }), { l: [1, 2, 3] });
changes('an element by its index', { l: [{ x: 1 }, { x: 2 }] }, () => ({ 'l.1.x': 9 }), { l: [{ x: 1 }, { x: 9 }] });
changes('null is a value', { a: 1 }, () => ({ a: null, b: null }), { a: null, b: null });

step('update: serverDate and dates', async ({ db, d, c }) => {
  await d.add(c('work'), { _id: 'u dates' });
  await d.update(c('work').doc('u dates'), { now: db.serverDate(), then: new Date(5), o: { at: new Date(6) } });
  const doc = await d.one(c('work').doc('u dates'));
  return { near: Math.abs(doc.now.getTime() - Date.now()) < 60000, then: doc.then, o: doc.o };
}, { near: true, then: { $date: 5 }, o: { at: { $date: 6 } } });

step('update: all that match', async ({ d, c, _ }) => {
  for (const n of [1, 2, 3]) await d.add(c('work'), { _id: `many${n}`, many: true, n });
  return [await d.update(c('work').where({ many: true, n: _.gt(1) }), { n: _.inc(10) }),
    (await d.list(c('work').where({ many: true }).orderBy('n', 'asc'))).map((doc) => doc.n)];
}, [2, [1, 12, 13]]);

step('update: the element that matched', async ({ d, c, _ }) => {
  await d.add(c('work'), { _id: 'positional', l: [{ x: 1, v: 0 }, { x: 2, v: 0 }] });
  await d.update(c('work').where({ _id: 'positional', 'l.x': 2 }), { 'l.$.v': _.inc(5) });
  return (await d.one(c('work').doc('positional'))).l;
}, [{ x: 1, v: 0 }, { x: 2, v: 5 }]);

step('update: every element', async ({ d, c, _ }) => {
  await d.add(c('work'), { _id: 'every', l: [1, 2, 3] });
  await d.update(c('work').doc('every'), { 'l.$[]': _.inc(10) });
  return (await d.one(c('work').doc('every'))).l;
}, [11, 12, 13]);

step('update: a document that is not there', async ({ d, c }) =>
  d.update(c('work').doc('no such'), { n: 1 }), 0);

step('set creates and replaces', async ({ d, c }) => {
  const first = await d.set(c('work').doc('set'), { n: 1, o: { k: 1 } });
  const second = await d.set(c('work').doc('set'), { m: 2 });
  return [first, second, await d.one(c('work').doc('set'))];
}, [{ updated: 0, created: 1 }, { updated: 1, created: 0 }, { _id: 'set', m: 2 }]);

step('remove', async ({ d, c }) => {
  await d.add(c('work'), { _id: 'gone', r: 1 });
  await d.add(c('work'), { _id: 'gone2', r: 2 });
  await d.add(c('work'), { _id: 'gone3', r: 2 });
  return [await d.remove(c('work').doc('gone')), await d.remove(c('work').doc('gone')),
    await d.remove(c('work').where({ r: 2 })), await d.count(c('work').where({ _id: /^gone/ }))];
}, [1, 0, 2, 0]);

step('updateAndReturn gives the changed document', async ({ d, c, _ }) => {
  await d.add(c('work'), { _id: 'return', n: 1 });
  const r = await c('work').where({ _id: 'return' }).updateAndReturn({ n: _.inc(1) });
  const none = await c('work').where({ _id: 'not here' }).updateAndReturn({ n: 1 });
  return { updated: r.updated, doc: r.doc, none: [none.updated, none.doc ?? null] };
}, { updated: 1, doc: { _id: 'return', n: 2 }, none: [0, null] }, { only: ['cloudbase-node-sdk-3.18.3'] });

step('options: raw conditions and one document at a time', async ({ d, c }) => {
  await c('work').add([{ _id: 'raw1', raw: 1 }, { _id: 'raw2', raw: 2 }]);
  const one = await c('work').options({ multiple: false }).where({ _id: /^raw/ }).update({ seen: true });
  const found = await c('work').options({ raw: true }).where({ raw: { $gte: 2 } }).get();
  const list = await c('work').options({ raw: true })
    .aggregate([{ $match: { _id: { $in: ['raw1', 'raw2'] } } }, { $sort: { raw: -1 } }, { $project: { raw: 1 } }]).end();
  return [one.updated, ids(found.data), list.data];
}, [1, ['raw2'], [{ _id: 'raw2', raw: 2 }, { _id: 'raw1', raw: 1 }]], { only: ['cloudbase-node-sdk-3.18.3'] });

// ---- aggregation ------------------------------------------------------------------

function gathers(name, build, expected, more) {
  step(`aggregate: ${name}`, async ({ db, d, c, _, $, mark }) =>
    d.aggregate(build(c('base').aggregate(), $, _, { db, mark })), expected, more);
}
gathers('match, sort, skip, limit, project', (a, $, _) => a.match({ n: _.gt(1) }).sort({ n: -1 }).skip(1).limit(2)
  .project({ n: 1, up: $.add(['$n', 1]) }), [{ _id: 'd', n: 4, up: 5 }, { _id: 'c', n: 3, up: 4 }]);
gathers('group with accumulators', (a, $) => a.sort({ n: 1 }).group({ _id: '$o.k', count: $.sum(1), total: $.sum('$n'),
  avg: $.avg('$price'), min: $.min('$n'), max: $.max('$price'), first: $.first('$s'), last: $.last('$s'),
  all: $.push('$n') }).sort({ _id: 1 }), [
  { _id: null, count: 2, total: 14, avg: 4.5, min: 4, max: 7, first: 'date', last: 'elder', all: [4, 10] },
  { _id: false, count: 1, total: 2, avg: 0.25, min: 2, max: 0.25, first: 'banana', last: 'banana', all: [2] },
  { _id: true, count: 2, total: 4, avg: 5.75, min: 1, max: 10, first: 'apple', last: 'Cherry', all: [1, 3] }]);
gathers('group of all, sets and deviations', (a, $) => a.group({ _id: null, set: $.addToSet('$o.k'),
  pop: $.stdDevPop('$n'), samp: $.stdDevSamp('$n') }), ([v]) => {
  assert.deepEqual([...v.set].sort(), [false, true]);
  // of 1, 2, 3, 4, 10
  assert.ok(Math.abs(v.pop - Math.sqrt(10)) < 1e-9, String(v.pop));
  assert.ok(Math.abs(v.samp - Math.sqrt(12.5)) < 1e-9, String(v.samp));
});
gathers('count', (a, $, _) => a.match({ n: _.lt(4) }).count('few'), [{ few: 3 }]);
gathers('unwind', (a) => a.match({ _id: 'a' }).unwind('$tags').project({ tags: 1 }),
  [{ _id: 'a', tags: 'red' }, { _id: 'a', tags: 'fruit' }]);
gathers('unwind keeps what is empty', (a, $, _) => a.match({ _id: _.in(['a', 'c', 'd', 'e']) }).sort({ _id: 1 })
  .unwind({ path: '$tags', includeArrayIndex: 'i', preserveNullAndEmptyArrays: true }).project({ tags: 1, i: 1 }),
[{ _id: 'a', tags: 'red', i: 0 }, { _id: 'a', tags: 'fruit', i: 1 }, { _id: 'c', i: null }, { _id: 'd', i: null },
  { _id: 'e', tags: 'fruit', i: null }]);
gathers('addFields', (a, $) => a.match({ _id: 'a' }).addFields({ 'o.more': 2, twice: $.multiply(['$n', 2]) })
  .project({ o: 1, twice: 1 }), [{ _id: 'a', o: { k: true, deep: { z: 1 }, more: 2 }, twice: 2 }]);
gathers('replaceRoot', (a) => a.match({ _id: 'a' }).replaceRoot({ newRoot: '$o' }), [{ k: true, deep: { z: 1 } }]);
gathers('bucket', (a, $) => a.bucket({ groupBy: '$n', boundaries: [0, 3, 5], default: 'more',
  output: { count: $.sum(1), ids: $.push('$_id') } }), (v) => assert.deepEqual(
  v.map((b) => ({ ...b, ids: [...b.ids].sort() })).sort((x, y) => String(x._id).localeCompare(String(y._id))),
  [{ _id: 0, count: 2, ids: ['a', 'b'] }, { _id: 3, count: 2, ids: ['c', 'd'] }, { _id: 'more', count: 1, ids: ['e'] }]));
gathers('bucketAuto', (a) => a.match({}).bucketAuto({ groupBy: '$n', buckets: 2 }),
  [{ _id: { min: 1, max: 4 }, count: 3 }, { _id: { min: 4, max: 10 }, count: 2 }]);
gathers('sample', (a) => a.sample({ size: 3 }), (v) => assert.equal(new Set(ids(v)).size, 3));
gathers('sortByCount', (a) => a.unwind('$tags').sortByCount('$tags').limit(1), [{ _id: 'fruit', count: 3 }]);
gathers('lookup by equality', (a, $, _, { mark }) => a.match({ _id: 'a' })
  .lookup({ from: `${mark}others`, localField: '_id', foreignField: 'likes', as: 'fans' })
  .project({ names: '$fans.name' }), ([v]) => assert.deepEqual([...v.names].sort(), ['one', 'three']));
gathers('lookup with a pipeline', (a, $, _, { mark }) => a.match({ _id: _.in(['a', 'b']) }).sort({ _id: 1 })
  .lookup({ from: `${mark}others`, let: { me: '$_id' },
    pipeline: $.pipeline().match(_.expr($.and([$.eq(['$likes', '$$me']), $.gt(['$age', 20])])))
      .project({ _id: 0, name: 1 }).done(), as: 'fans' }).project({ fans: 1 }),
[{ _id: 'a', fans: [{ name: 'three' }] }, { _id: 'b', fans: [{ name: 'two' }] }]);

// Expressions on document 'a' and their values.
function computes(name, fields, expected, more) {
  gathers(name, (a, $, _, x) => a.match({ _id: 'a' }).project({ _id: 0, ...fields($, _, x) }), [expected], more);
}
computes('arithmetic', ($) => ({ abs: $.abs(-3), add: $.add(['$n', '$price', 2]), ceil: $.ceil('$price'),
  divide: $.divide(['$price', 3]), exp: $.exp(0), floor: $.floor('$price'), ln: $.ln(1), log: $.log([8, 2]),
  log10: $.log10(1000), mod: $.mod([7, 3]), multiply: $.multiply([3, '$price']), pow: $.pow([2, 10]), sqrt: $.sqrt(16),
  subtract: $.subtract(['$n', 5]), trunc: $.trunc(-7.8) }),
{ abs: 3, add: 4.5, ceil: 2, divide: 0.5, exp: 1, floor: 1, ln: 0, log: 3, log10: 3, mod: 1, multiply: 4.5, pow: 1024,
  sqrt: 4, subtract: -4, trunc: -7 });
computes('arrays', ($) => ({ at: $.arrayElemAt(['$tags', -1]), object: $.arrayToObject([[['x', 1], ['y', 2]]]),
  concat: $.concatArrays(['$tags', ['z']]), filter: $.filter({ input: '$list', as: 'i', cond: $.gt(['$$i.x', 2]) }),
  in: $.in(['red', '$tags']), index: $.indexOfArray(['$tags', 'fruit']), is: $.isArray('$tags'),
  map: $.map({ input: '$list', as: 'i', in: $.add(['$$i.x', 1]) }), range: $.range([0, 10, 4]),
  reduce: $.reduce({ input: [1, 2, 3], initialValue: 0, in: $.add(['$$value', '$$this']) }),
  reverse: $.reverseArray([[1, 2, 3]]), size: $.size('$tags'), slice: $.slice(['$tags', 1]),
  zip: $.zip({ inputs: [['a', 'b'], [1, 2]] }) }),
{ at: 'fruit', object: { x: 1, y: 2 }, concat: ['red', 'fruit', 'z'], filter: [{ x: 5, y: 'q' }], in: true, index: 1,
  is: true, map: [2, 6], range: [0, 4, 8], reduce: 6, reverse: [3, 2, 1], size: 2, slice: ['red'],
  zip: [['a', 1], ['b', 2]] });
computes('logic and comparison', ($) => ({ and: $.and(['$o.k', true]), not: $.not(['$o.k']), or: $.or([false, '$n']),
  cmp: $.cmp(['$n', 5]), eq: $.eq(['$n', 1]), gt: $.gt(['$n', 1]), gte: $.gte(['$n', 1]), lt: $.lt(['$n', 1]),
  lte: $.lte(['$n', 1]), neq: $.neq(['$n', 1]), types: $.gt(['$s', '$n']) }),
{ and: true, not: false, or: true, cmp: -1, eq: true, gt: false, gte: true, lt: false, lte: true, neq: false, types: true });
computes('conditions', ($) => ({ cond: $.cond({ if: $.gt(['$n', 5]), then: 'big', else: 'small' }),
  ifNull: $.ifNull(['$nothing', 'none']), isNull: $.ifNull(['$nil', 'null too']),
  switch: $.switch({ branches: [{ case: $.eq(['$n', 2]), then: 'two' }, { case: $.eq(['$n', 1]), then: 'one' }], default: '?' }) }),
{ cond: 'small', ifNull: 'none', isNull: 'null too', switch: 'one' });
computes('dates', ($) => ({ day: $.dayOfMonth('$at'), week: $.dayOfWeek('$at'), yearday: $.dayOfYear('$at'),
  isoDay: $.isoDayOfWeek('$at'), isoWeek: $.isoWeek('$at'), isoYear: $.isoWeekYear('$at'), ms: $.millisecond('$at'),
  minute: $.minute('$at'), month: $.month('$at'), second: $.second('$at'), hour: $.hour('$at'), w: $.week('$at'),
  year: $.year('$at'), text: $.dateToString({ date: '$at', format: '%Y-%m-%d %H:%M:%S.%L' }),
  shanghai: $.dateToString({ date: '$at', format: '%H', timezone: 'Asia/Shanghai' }),
  parts: $.dateFromParts({ year: 2021, month: 3, day: 4, hour: 5 }),
  from: $.dateFromString({ dateString: '2017-02-08T12:10:40.787' }) }),
// 2020-01-01 was a Wednesday.
{ day: 1, week: 4, yearday: 1, isoDay: 3, isoWeek: 1, isoYear: 2020, ms: 0, minute: 0, month: 1, second: 0, hour: 0,
  w: 0, year: 2020, text: '2020-01-01 00:00:00.000', shanghai: '08', parts: date('2021-03-04T05:00:00Z'),
  from: date('2017-02-08T12:10:40.787Z') });
computes('strings', ($) => ({ concat: $.concat(['$s', '-', 'x']), bytes: $.indexOfBytes(['$s', 'p']),
  cp: $.indexOfCP(['$s', 'l']), split: $.split(['a,b,c', ',']), lenB: $.strLenBytes('名'), lenC: $.strLenCP('名'),
  cmp: $.strcasecmp(['$s', 'APPLE']), substr: $.substr(['$s', 1, 2]), substrB: $.substrBytes(['$s', 0, 3]),
  substrC: $.substrCP(['$s', 3, 9]), lower: $.toLower('ABC'), upper: $.toUpper('$s') }),
{ concat: 'apple-x', bytes: 1, cp: 3, split: ['a', 'b', 'c'], lenB: 3, lenC: 1, cmp: 0, substr: 'pp', substrB: 'app',
  substrC: 'le', lower: 'abc', upper: 'APPLE' });
computes('sets', ($) => ({ all: $.allElementsTrue([[true, 1, 'x']]), any: $.anyElementTrue([[false, 0, null]]),
  equals: $.setEquals([['a', 'b', 'a'], ['b', 'a']]), subset: $.setIsSubset([['a'], ['b', 'a']]) }),
{ all: true, any: false, equals: true, subset: true });
gathers('sets that are lists', (a, $) => a.match({ _id: 'a' }).project({ _id: 0, diff: $.setDifference([['a', 'b', 'c'], ['b']]),
  inter: $.setIntersection([['a', 'b'], ['b', 'c']]), union: $.setUnion([['a'], ['b', 'a']]) }), ([v]) =>
  assert.deepEqual(Object.fromEntries(Object.entries(v).map(([k, x]) => [k, [...x].sort()])),
    { diff: ['a', 'c'], inter: ['b'], union: ['a', 'b'] }));
computes('objects, literals and variables', ($) => ({ merged: $.mergeObjects(['$o', { k: 2, y: 1 }]),
  pairs: $.objectToArray('$o.deep'), literal: $.literal('$n'),
  let: $.let({ vars: { t: $.add(['$n', 1]) }, in: $.multiply(['$$t', '$$t']) }) }),
{ merged: { k: 2, deep: { z: 1 }, y: 1 }, pairs: [{ k: 'z', v: 1 }], literal: '$n', let: 4 });
computes('accumulators over a list', ($) => ({ sum: $.sum('$list.x'), avg: $.avg('$list.x'), min: $.min('$list.x'),
  max: $.max(['$n', 7]) }), { sum: 6, avg: 3, min: 1, max: 7 });

// What the SDKs' builders lack goes through node-sdk's raw pipelines.
function raw(name, pipeline, expected) {
  step(`aggregate, raw: ${name}`, async ({ d, c, mark }) =>
    d.aggregate(c('base').options({ raw: true }).aggregate(pipeline(mark))), expected, { only: ['cloudbase-node-sdk-3.18.3'] });
}
raw('facet', () => [{ $facet: { few: [{ $match: { n: { $lt: 3 } } }, { $sort: { n: 1 } }, { $project: { _id: 1 } }],
  all: [{ $count: 'n' }] } }], [{ few: [{ _id: 'a' }, { _id: 'b' }], all: [{ n: 5 }] }]);
raw('graphLookup', (mark) => [{ $match: { _id: 'a' } }, { $graphLookup: { from: `${mark}others`, startWith: '$_id',
  connectFromField: '_id', connectToField: 'likes', as: 'net', depthField: 'deep' } }, { $project: { net: 1 } }], ([v]) =>
  assert.deepEqual(v.net.map((x) => [x._id, x.deep]).sort(), [['u1', 0], ['u3', 0]]));
raw('unionWith', (mark) => [{ $match: { _id: 'a' } }, { $project: { s: 1 } },
  { $unionWith: { coll: `${mark}others`, pipeline: [{ $match: { _id: 'u1' } }, { $project: { name: 1 } }] } }],
[{ _id: 'a', s: 'apple' }, { _id: 'u1', name: 'one' }]);
raw('redact', () => [{ $sort: { _id: 1 } }, { $redact: { $cond: [{ $gt: ['$n', 3] }, '$$KEEP', '$$PRUNE'] } },
  { $project: { n: 1 } }], [{ _id: 'd', n: 4 }, { _id: 'e', n: 10 }]);
raw('trims and conversions', () => [{ $match: { _id: 'a' } }, { $project: { _id: 0, trim: { $trim: { input: '  x ' } },
  left: { $ltrim: { input: 'xxy', chars: 'x' } }, text: { $toString: '$n' }, int: { $toInt: '7' }, bool: { $toBool: 0 },
  double: { $toDouble: '1.5' }, date: { $toDate: 0 }, type: { $type: '$tags' },
  convert: { $convert: { input: 'no number', to: 'int', onError: 'bad' } }, parts: { $dateToParts: { date: '$at' } } } }],
[{ trim: 'x', left: 'y', text: '1', int: 7, bool: false, double: 1.5, date: { $date: 0 }, type: 'array', convert: 'bad',
  parts: { year: 2020, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 } }]);
step('aggregate, raw: out', async ({ db, d, c, mark }) => {
  await c('base').options({ raw: true }).aggregate([{ $match: { n: { $lte: 2 } } }, { $project: { n: 1 } },
    { $out: `${mark}made` }]).end();
  return d.list(c('made').orderBy('_id', 'asc'));
}, [{ _id: 'a', n: 1 }, { _id: 'b', n: 2 }], { only: ['cloudbase-node-sdk-3.18.3'] });

// ---- transactions -------------------------------------------------------------------

function transacts(name, run, expected, more = {}) {
  step(`transaction: ${name}`, run, expected, { ...more, not: { ...more.not,
    ...lacking(OURS, 'wx.cloud has no transactions in the page').not } });
}
transacts('commit keeps what was done', async ({ db, d, c, mark }) => {
  await d.add(c('bank'), { _id: 'x', sum: 100 });
  await d.add(c('bank'), { _id: 'y', sum: 0 });
  const value = await db.runTransaction(async (tx) => {
    const bank = tx.collection(`${mark}bank`);
    const from = await d.txOne(bank.doc('x'));
    const a = await d.txUpdate(bank.doc('x'), { sum: from.sum - 30 });
    const b = await d.txUpdate(bank.doc('y'), { sum: db.command.inc(30) });
    return { updated: [a, b], inside: (await d.txOne(bank.doc('x'))).sum };
  });
  return { ...value, x: (await d.one(c('bank').doc('x'))).sum, y: (await d.one(c('bank').doc('y'))).sum };
}, { updated: [1, 1], inside: 70, x: 70, y: 30 });

transacts('rollback rejects with its reason and undoes', async ({ db, d, c, mark }) => {
  let reason;
  try {
    await db.runTransaction(async (tx) => {
      await d.txUpdate(tx.collection(`${mark}bank`).doc('x'), { sum: -1 });
      await tx.rollback('no money');
    });
  } catch (error) {
    reason = error;
  }
  return { reason, x: (await d.one(c('bank').doc('x'))).sum };
}, { reason: 'no money', x: 70 });

transacts('what the callback throws undoes and comes through', async ({ db, d, c, mark }) => {
  let said;
  try {
    await db.runTransaction(async (tx) => {
      await d.txUpdate(tx.collection(`${mark}bank`).doc('x'), { sum: -1 });
      throw new Error('changed my mind');
    });
  } catch (error) {
    said = error.message;
  }
  return { said, x: (await d.one(c('bank').doc('x'))).sum };
}, { said: 'changed my mind', x: 70 });

transacts('add, set, remove and what is not there', async ({ db, d, c, mark }) => {
  const tx = await db.startTransaction();
  const bank = tx.collection(`${mark}bank`);
  const none = await d.txOne(bank.doc('nobody'));
  const added = await d.txAdd(bank, { _id: 'z', sum: 5 });
  const made = await d.txSet(bank.doc('w'), { sum: 6 });
  const replaced = await d.txSet(bank.doc('w'), { sum: 7 });
  const outside = await d.count(c('bank').where({ _id: 'z' }));
  const removed = await d.txRemove(bank.doc('z'));
  await tx.commit();
  return { none, added, made, replaced, outside, removed, w: (await d.one(c('bank').doc('w'))).sum,
    z: await d.count(c('bank').where({ _id: 'z' })) };
}, { none: null, added: 'z', made: 0, replaced: 1, outside: 0,
  removed: 1, w: 7, z: 0 });

transacts('sees the state of its first operation', async ({ db, d, c, mark }) => {
  await d.set(c('bank').doc('snap'), { sum: 1 });
  const tx = await db.startTransaction();
  const bank = tx.collection(`${mark}bank`);
  const before = (await d.txOne(bank.doc('snap'))).sum;
  await d.update(c('bank').doc('snap'), { sum: 2 });
  const after = (await d.txOne(bank.doc('snap'))).sum;
  await tx.rollback();
  return [before, after, (await d.one(c('bank').doc('snap'))).sum];
}, [1, 1, 2]);

transacts('a write that meets another\'s fails at once', async ({ db, d, c, mark }) => {
  await d.set(c('bank').doc('fight'), { n: 0 });
  const one = await db.startTransaction();
  const two = await db.startTransaction();
  await d.txUpdate(one.collection(`${mark}bank`).doc('fight'), { n: 1 });
  const lost = await d.fails(d.txUpdate(two.collection(`${mark}bank`).doc('fight'), { n: 2 }));
  await one.commit();
  await two.rollback().catch(() => undefined);
  return { code: lost.code ?? lost.errCode, says: /Transaction is conflict/.test(lost.message),
    n: (await d.one(c('bank').doc('fight'))).n };
}, (v) => assert.deepEqual({ ...v, code: ['DATABASE_TRANSACTION_CONFLICT', -501001].includes(v.code) },
  { code: true, says: true, n: 1 }));

transacts('runTransaction tries again after a conflict', async ({ db, d, c, mark }) => {
  await d.set(c('bank').doc('retry'), { n: 0 });
  let tries = 0;
  await db.runTransaction(async (tx) => {
    const doc = tx.collection(`${mark}bank`).doc('retry');
    const { n } = await d.txOne(doc);
    if (++tries === 1) await d.update(c('bank').doc('retry'), { n: 10 });
    await d.txUpdate(doc, { n: n + 1 });
  });
  return { tries, n: (await d.one(c('bank').doc('retry'))).n };
}, { tries: 2, n: 11 }, lacking(WX, 'it turns the conflict\'s code into a number that its own retry does not know'));

transacts('a conflict rejects runTransaction', async ({ db, d, c, mark }) => {
  await d.set(c('bank').doc('retry'), { n: 0 });
  const lost = await d.fails(db.runTransaction(async (tx) => {
    const doc = tx.collection(`${mark}bank`).doc('retry');
    const { n } = await d.txOne(doc);
    await d.update(c('bank').doc('retry'), { n: 10 });
    await d.txUpdate(doc, { n: n + 1 });
  }));
  return { says: /Transaction is conflict/.test(lost.message), errCode: lost.errCode,
    n: (await d.one(c('bank').doc('retry'))).n };
}, { says: true, errCode: -501001, n: 10 }, { only: WX });

transacts('one that is over is told so', async ({ db, d, mark }) => {
  const tx = await db.startTransaction();
  await tx.commit();
  const late = await d.fails(d.txUpdate(tx.collection(`${mark}bank`).doc('x'), { n: 1 }));
  return { code: late.code ?? late.errCode, says: /Transaction does not exist on the server/.test(late.message) };
}, (v) => assert.deepEqual({ ...v, code: ['DATABASE_TRANSACTION_FAIL', -501001].includes(v.code) }, { code: true, says: true }));

// ---- places ---------------------------------------------------------------------------

step('geo: places are added', async ({ db, d, c }) => {
  const places = [['shop', 113.30, 23.10], ['near', 113.31, 23.10], ['far', 114.06, 22.54]];
  for (const [_id, x, y] of places) await d.add(c('work'), { _id: `p-${_id}`, place: new db.Geo.Point(x, y) });
  return d.count(c('work').where({ _id: /^p-/ }));
}, 3);
step('geo: near, the nearest first', async ({ db, d, c, _ }) => ids(await d.list(c('work').where({
  place: _.geoNear({ geometry: new db.Geo.Point(113.311, 23.10), minDistance: 0, maxDistance: 5000 }) }))),
['p-near', 'p-shop']);
step('geo: within a polygon', async ({ db, d, c, _ }) => {
  const { Point, LineString, Polygon } = db.Geo;
  const ring = new LineString([new Point(113, 23), new Point(113.305, 23), new Point(113.305, 24), new Point(113, 24),
    new Point(113, 23)]);
  return ids(await d.list(c('work').where({ place: _.geoWithin({ geometry: new Polygon([ring]) }) })));
}, ['p-shop']);
step('geo: within a circle', async ({ db, d, c, _ }) => ids(await d.list(c('work').where({
  place: _.geoWithin({ centerSphere: [[113.3, 23.1], 5 / 6378.1] }) }).orderBy('_id', 'asc'))), ['p-near', 'p-shop'],
lacking(GEN1, 'this version\'s geoWithin takes geometries only'));
step('geo: what a line crosses', async ({ db, d, c, _ }) => {
  const { Point, LineString } = db.Geo;
  return ids(await d.list(c('work').where({ place: _.geoIntersects({
    geometry: new LineString([new Point(113.30, 23.10), new Point(113.30, 24)]) }) })));
}, ['p-shop']);
step('geo: the geoNear stage gives distances', async ({ db, d, c }) => (await d.aggregate(c('work').aggregate().geoNear({
  near: new db.Geo.Point(113.30, 23.10), spherical: true, maxDistance: 5000, distanceField: 'far', key: 'place' })
  .project({ far: 1 }))), ([shop, near, ...rest]) => {
  assert.deepEqual([shop._id, shop.far, near._id, rest.length], ['p-shop', 0, 'p-near', 0]);
  // 0.01 degrees of longitude at 23.1 north on a sphere of 6378.1 km
  assert.ok(Math.abs(near.far - 1023.9) < 2, String(near.far));
});

// ---- what goes wrong --------------------------------------------------------------------

// code: the server's word; wx-server-sdk has its number, -1 when it has none.
const NUMBERS = { DATABASE_COLLECTION_NOT_EXIST: -502005, DATABASE_REQUEST_FAILED: -502001,
  DATABASE_INVALID_OPERRATOR: -502002, DATABASE_PERMISSION_DENIED: -502003, INVALID_PARAM: -501007 };
function refuses(name, run, code, words, more) {
  step(`refused: ${name}`, async (x) => x.d.fails(run(x)), (v) => {
    assert.ok(!('unexpected' in v), `it went well: ${JSON.stringify(v)}`);
    if (v.errCode !== undefined) assert.equal(v.errCode, NUMBERS[code], JSON.stringify(v));
    else assert.equal(v.code, code, JSON.stringify(v));
    assert.match(v.message, words);
  }, more);
}
refuses('a collection that is not there', ({ d, c }) => d.list(c('nowhere')), 'DATABASE_COLLECTION_NOT_EXIST',
  /Db or Table not exist: \w+nowhere/);
refuses('counting where nothing is', ({ d, c }) => d.count(c('nowhere')), 'DATABASE_COLLECTION_NOT_EXIST', /not exist/);
refuses('an _id twice', ({ d, c }) => d.add(c('base'), { _id: 'a' }), 'DATABASE_REQUEST_FAILED', /duplicate key/);
refuses('inc of a text', ({ d, c, _ }) => d.update(c('base').doc('a'), { s: _.inc(1) }), 'DATABASE_REQUEST_FAILED', /\bs\b/);
refuses('push onto a number', ({ d, c, _ }) => d.update(c('base').doc('a'), { n: _.push(1) }), 'DATABASE_REQUEST_FAILED', /\bn\b/);
refuses('two changes of one path', ({ d, c, _ }) => d.update(c('base').doc('a'), { 'o.k': 1, o: _.set({}) }),
  'DATABASE_REQUEST_FAILED', /conflict|\bo\b/);
refuses('a name that begins with a dollar', ({ d, c }) => d.add(c('work'), { $bad: 1 }), 'DATABASE_REQUEST_FAILED', /\$bad/);
refuses('a regular expression that is none', ({ d, c, db }) => d.list(c('base').where({ s: db.RegExp({ regexp: '(', options: '' }) })),
  'DATABASE_REQUEST_FAILED', /regular expression|regex|parenthes/i);

refuses('an operator that there is not', ({ d, c }) => d.list(c('base').options({ raw: true }).where({ n: { $foo: 2 } })),
  'DATABASE_INVALID_OPERRATOR', /\$foo/, { only: ['cloudbase-node-sdk-3.18.3'] });
refuses('a stage that there is not', ({ d, c }) => d.aggregate(c('base').options({ raw: true }).aggregate([{ $frobnicate: {} }])),
  'DATABASE_INVALID_OPERRATOR', /\$frobnicate/, { only: ['cloudbase-node-sdk-3.18.3'] });
refuses('what the permission does not allow', ({ d, db, mark }) => d.add(db.collection(`${mark}readable`), { n: 1 }),
  'DATABASE_PERMISSION_DENIED', /permission/, { only: [...JS, ...OURS] });
refuses('somebody\'s _openid', ({ d, c }) => d.add(c('work'), { _openid: 'oSomebody' }), 'DATABASE_PERMISSION_DENIED',
  /_openid/, { only: [...JS, ...OURS] });

step('refused: a document that is not there', async ({ d, c }) => d.fails(d.one(c('work').doc('no-such-id'))), (v) => {
  if ('unexpected' in v) assert.equal(v.unexpected, null);
  else assert.match(v.message, /document\.get:fail document with _id no-such-id does not exist/);
});

// ---- the SDK's own shape ------------------------------------------------------------------

step('the SDK\'s own shape: results', async ({ c }) => {
  const out = {};
  out.add = await c('work').add({ data: { _id: 'shape' } });
  out.get = await c('work').where({ _id: 'shape' }).get();
  out.docGet = await c('work').doc('shape').get();
  out.update = await c('work').doc('shape').update({ data: { n: 1 } });
  out.updateMany = await c('work').where({ _id: 'shape' }).update({ data: { n: 2 } });
  out.set = await c('work').doc('shape').set({ data: { n: 3 } });
  out.count = await c('work').where({ _id: 'shape' }).count();
  out.list = await c('work').aggregate().match({ _id: 'shape' }).end();
  out.remove = await c('work').doc('shape').remove();
  for (const key of Object.keys(out)) delete out[key].requestId;
  return out;
}, (v) => {
  assert.deepEqual(v.add, { _id: 'shape', errMsg: 'collection.add:ok' });
  assert.deepEqual(v.get, { data: [{ _id: 'shape' }], errMsg: 'collection.get:ok' });
  assert.deepEqual(v.docGet, { data: { _id: 'shape' }, errMsg: 'document.get:ok' });
  assert.deepEqual(v.update, { stats: { updated: 1 }, errMsg: 'document.update:ok' });
  assert.deepEqual(v.updateMany, { stats: { updated: 1 }, errMsg: 'collection.update:ok' });
  assert.deepEqual(v.set, { _id: 'shape', stats: { updated: 1, created: 0 }, errMsg: 'document.set:ok' });
  assert.deepEqual(v.count, { total: 1, errMsg: 'collection.count:ok' });
  assert.deepEqual(v.list.list, [{ _id: 'shape', n: 3 }]);
  assert.deepEqual(v.remove, { stats: { removed: 1 }, errMsg: 'document.remove:ok' });
}, { only: [...WX, ...OURS] });

step('the SDK\'s own shape: a collection that is not there', async ({ d, c }) => d.fails(c('nowhere').get()), (v, name) => {
  assert.equal(v.errCode, -502005);
  if (name.endsWith('1.8.3'))
    assert.match(v.text, /^errCode: -502005 database collection not exists \| errMsg: .*Db or Table not exist: \w+nowhere\./);
  else assert.match(v.message, /^collection\.get:fail -502005 database collection not exists\. \[ResourceNotFound\] Db or Table not exist: \w+nowhere\./);
}, { only: [...WX, ...OURS] });

module.exports = steps;
