// Documents of every type for tests of imports and exports, written by bson
// (npm), which is MongoDB's own and knows nothing of us; and canonical Extended
// JSON in one form, so that texts of two writers can be compared.

import assert from 'node:assert/strict';
import { Binary, BSONRegExp, Decimal128, EJSON, Long, MaxKey, MinKey, ObjectId, Timestamp, UUID, deserialize,
  serialize } from 'bson';

const oid = (i) => new ObjectId(i.toString(16).padStart(24, '5'));
const words = ['', 'a', '商品', '😀 emoji', 'quote " back \\ slash /', 'tab\tline\nreturn\r', '\u0001\u001f\u007f',
  '\u2028\ufeff', '{"$date":1}', '$dollar', 'a.b', 'x'.repeat(300)];
const doubles = [0.1, 3.5, -1e-7, 1e300, 5e-324, 1.7976931348623157e308, 1e17, 123456789012345680000, NaN, Infinity,
  -Infinity, 0.30000000000000004];
const dates = [0, 1, 1700000000123, -1, -62135596800000, 253402300799999, 253402300800000, -8640000000000000];

// Whole doubles need saying so: JavaScript has one type of number.
const values = (i) => ({
  int: i - 500, big: Long.fromString(String(2n ** 40n + BigInt(i))), least: Long.MIN_VALUE, most: Long.MAX_VALUE,
  double: doubles[i % doubles.length], text: words[i % words.length], yes: i % 2 === 0, nothing: null,
  date: new Date(dates[i % dates.length]), oid: oid(i), bytes: new Binary(Buffer.from([i & 255, 0, 255]), i % 6),
  uuid: new UUID('c8edabc3-f738-4ca3-b68d-ab92a91478a3'), pattern: new BSONRegExp('^a.*\\d$', 'im'),
  stamp: new Timestamp({ t: 1700000000, i }), money: Decimal128.fromString('1234.50'), first: new MinKey(), last: new MaxKey(),
  place: { type: 'Point', coordinates: [113.5 + i / 1000, 22.25] },
  list: [1, 'two', [3, [4.5]], { five: null }, [], {}], deep: { a: { b: { c: { 'ключ с пробелом': [i] } } } },
});

// _ids of all types that may be one.
const ids = [(i) => `id-${i}`, (i) => oid(i), (i) => i, (i) => i + 0.5, (i) => new Date(i * 1000), (i) => ({ a: i, b: 'x' }),
  (i) => Long.fromNumber(2 ** 50 + i), (i) => `商品${i}`, (i) => oid(i).toHexString().replace(/^5/, '6')];

export const everyType = (i) => ({ _id: ids[i % ids.length](i), ...values(i) });

// Like an order of a shop: a few hundred bytes.
export const order = (i) => ({
  _id: `o${String(i).padStart(9, '0')}`, user: `u${(i * 7919) % 10007}`, total: (i * 31) % 100000,
  weight: ((i * 17) % 1000) / 8, at: new Date(1600000000000 + i * 1000), paid: i % 3 === 0, note: words[i % 6],
  items: [{ sku: `s${i % 97}`, count: 1 + (i % 4) }, { sku: `s${i % 89}`, count: 1 }],
  address: { city: i % 2 ? '深圳' : '北京', zip: String(100000 + (i % 899999)) },
  ...(i % 100 === 0 && values(i)),
});

function tidy(v) {
  if (Array.isArray(v)) return v.map(tidy);
  if (v === null || typeof v !== 'object') return v;
  const keys = Object.keys(v).sort();
  // "1e+17" and "100000000000000000.0" are one double.
  if (keys.length === 1 && keys[0] === '$numberDouble') return { $numberDouble: String(Number(v.$numberDouble)) };
  return Object.fromEntries(keys.map((k) => [k, tidy(v[k])]));
}

// The document with the types that BSON gave its numbers (EJSON alone takes
// 1e17 for a long).
export const typed = (doc) => deserialize(serialize(doc), { promoteValues: false, bsonRegExp: true });

// One text for one document, whoever wrote it.
export const canonical = (doc) => canonicalLine(EJSON.stringify(typed(doc), { relaxed: false }));
export const canonicalLine = (line) => JSON.stringify(tidy(JSON.parse(line)));

// assert.deepEqual of thousands of lines says more than anybody reads.
export function sameLines(got, want) {
  const at = want.findIndex((line, i) => line !== got[i]);
  if (at >= 0) assert.equal(got[at], want[at], `line ${at} of ${want.length}`);
  assert.equal(got.length, want.length);
}
