// `mpcloud db import` and `mpcloud db export` as a person uses them: every
// format in, every type there and back, what is refused and what is said.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join, lacksPackages, source, startStack } from '../lib/stack.mjs';

const skip = lacksPackages('tests');
const npm = skip ? {} : { bson: await import('bson'), ...(await import('../lib/documents.mjs')) };

let stack;
before(async () => { stack = await startStack({ project: join(source, 'tests/e2e/project'), functions: ['echo'], gateways: 1 }); });
after(() => stack?.stop());

const path = (name) => join(stack.dir, name);
const put = (name, text) => { writeFileSync(path(name), text); return path(name); };
function ok(...words) {
  const r = stack.cliWith({ cwd: stack.dir, maxBuffer: 1 << 28 }, ...words);
  assert.equal(r.status, 0, `${words.join(' ')}: ${r.stderr}${r.stdout}`);
  return r.stdout;
}
function refused(status, ...words) {
  const r = stack.cliWith({ cwd: stack.dir }, ...words);
  assert.equal(r.status, status, `${words.join(' ')}: ${r.stderr}${r.stdout}`);
  return r.stderr;
}
const exported = (name, ...options) => ok('db', 'export', name, ...options).split('\n').filter(Boolean);
const inserted = (name, text, ...options) => ok('db', 'import', name, put(`${name}.jsonl`, text), ...options);

test('every type of BSON comes back as it was, by way of files of all kinds', { skip }, () => {
  const docs = Array.from({ length: 200 }, (_, i) => npm.everyType(i));
  const want = docs.map(npm.canonical).sort();
  const same = (name) => npm.sameLines(exported(name, '--canonical').map(npm.canonicalLine).sort(), want);
  const bytes = Buffer.concat(docs.map((d) => npm.bson.serialize(d)));
  ok('db', 'import', 'types', put('types.bson', bytes));
  same('types');
  ok('db', 'import', 'types-gz', put('types-gz.bson.gz', gzipSync(bytes)));
  same('types-gz');
  // without a name that says what it is
  ok('db', 'import', 'types-sniffed', put('unnamed', bytes));
  same('types-sniffed');
  ok('db', 'export', 'types', '--canonical', '-o', path('canonical.jsonl'));
  ok('db', 'import', 'types-canonical', path('canonical.jsonl'));
  same('types-canonical');
  ok('db', 'export', 'types', '-o', path('relaxed.jsonl'));
  ok('db', 'import', 'types-relaxed', path('relaxed.jsonl'));
  same('types-relaxed');
  ok('db', 'import', 'types-mongoexport', put('mongoexport.json',
    docs.map((d) => npm.bson.EJSON.stringify(npm.typed(d), { relaxed: false })).join('\n')));
  same('types-mongoexport');
  ok('db', 'import', 'types-array', put('array.json', npm.bson.EJSON.stringify(docs.map(npm.typed), null, 2, { relaxed: false })));
  same('types-array');
  assert.ok(!existsSync(path('relaxed.jsonl.part')) && !existsSync(path('relaxed.jsonl.resume')));
});

test('what mongoexport wrote before version 4.2 is read', () => {
  inserted('legacy', [
    '{"_id":{"$oid":"57e193d7a9cc81b4027498b5"},"n":{"$numberLong":"5000000000"}}',
    '{"_id":"d","at":{"$date":"2012-12-24T20:15:30.501+0800"},"b":{"$binary":"//8=","$type":"00"}}',
    '{"_id":"r","r":{"$regex":"^a","$options":"i"},"u":{"$undefined":true}}'].join('\n'));
  assert.deepEqual(exported('legacy').map((l) => JSON.parse(l)), [
    { _id: { $oid: '57e193d7a9cc81b4027498b5' }, n: 5000000000 },
    { _id: 'd', at: { $date: '2012-12-24T12:15:30.501Z' }, b: { $binary: { base64: '//8=', subType: '00' } } },
    { _id: 'r', r: { $regularExpression: { pattern: '^a', options: 'i' } } }]);
});

test('documents over several lines, as the CloudBase manual shows them, and standard input', () => {
  const text = '{\n    "_id": "xxxxxx",\n    "age": 45\n}\n{\n    "_id": "yyyyyy",\n    "age": 21\n}\n';
  ok('db', 'import', 'pretty', put('pretty.json', text));
  assert.deepEqual(exported('pretty'), ['{"_id":"xxxxxx","age":45}', '{"_id":"yyyyyy","age":21}']);
  const r = stack.cliWith({ input: text }, 'db', 'import', 'piped', '-');
  assert.equal(r.status, 0, r.stderr);
  assert.equal(exported('piped').length, 2);
});

test('CSV: dotted names, quotes, a byte order mark, types guessed or given', () => {
  const csv = '\ufeff_id,name,age,address.city,tags.0,tags.1,born,phone\r\n' +
    'a,"Li, ""Lei""",45,北京,x,y,2018-08-31T17:30:00.882Z,13800000000\r\n' +
    'b,"two\nlines",4.5,,,,,"007"\r\n';
  ok('db', 'import', 'people', put('people.csv', csv));
  assert.deepEqual(exported('people').map((l) => JSON.parse(l)), [
    { _id: 'a', name: 'Li, "Lei"', age: 45, address: { city: '北京' }, tags: ['x', 'y'],
      born: { $date: '2018-08-31T17:30:00.882Z' }, phone: 13800000000 },
    { _id: 'b', name: 'two\nlines', age: 4.5, phone: '007' }]);
  ok('db', 'import', 'people', path('people.csv'), '--types', 'phone:string,age:double', '--mode', 'replace');
  assert.equal(JSON.parse(exported('people')[0]).phone, '13800000000');
  // and out: what is read back is the same
  const fields = '_id,name,age,address,tags,born,phone';
  ok('db', 'export', 'people', '-o', path('out.csv'), '--fields', fields);
  assert.equal(readFileSync(path('out.csv'), 'utf8').split('\n')[0], fields);
  ok('db', 'import', 'people2', path('out.csv'));
  assert.deepEqual(exported('people2', '--canonical'), exported('people', '--canonical'));
});

test('the modes: insert refuses, upsert sets, replace replaces, skip leaves', () => {
  const have = () => exported('modes').join(' ');
  inserted('modes', '{"_id":"x","a":1,"b":1}\n');
  const again = put('again.jsonl', '{"_id":"x","a":2}\n{"_id":"y"}\n');
  assert.match(refused(1, 'db', 'import', 'modes', again), /again\.jsonl:1: .*exists already.*--mode/);
  assert.match(ok('db', 'import', 'modes', again, '--mode', 'skip'), /2 documents in, 1 left as they were/);
  assert.equal(have(), '{"_id":"x","a":1,"b":1} {"_id":"y"}');
  ok('db', 'import', 'modes', again, '--mode', 'upsert');
  assert.equal(have(), '{"_id":"x","a":2,"b":1} {"_id":"y"}');
  ok('db', 'import', 'modes', again, '--mode', 'replace');
  assert.equal(have(), '{"_id":"x","a":2} {"_id":"y"}');
});

test('of one _id several times in a file, the last holds', () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `{"_id":"k${i % 7}","n":${i}}`).join('\n');
  for (const mode of ['replace', 'upsert']) {
    inserted(`last-${mode}`, lines, '--mode', mode);
    assert.deepEqual(exported(`last-${mode}`).map((l) => JSON.parse(l).n).sort(),
      [4993, 4994, 4995, 4996, 4997, 4998, 4999]);
  }
  inserted('first', lines, '--mode', 'skip');
  assert.deepEqual(exported('first').map((l) => JSON.parse(l).n).sort(), [0, 1, 2, 3, 4, 5, 6]);
});

const bad = ['{"_id":"1","a":1}', '{"b":{"c":["x","a\\u0000b"]}}', '{"s":"\\ud800"}', '{bad}', '{"$x":1}',
  '{"r":{"$ref":"c","$id":1}}', '[1]', '{"_id":"1","dup":1}', '{"a":1,"a":2}', '{"_id":"2","n":12345678901234567890}'];
const whys = [null, /:2: field b\.c: a text holds a NUL/, /:3: field s: .*surrogate/, /:4: not valid JSON: column/,
  /:5: \$x: /, /:6: r: \$ref/, /:7: a document is a JSON object/, /:8: a document before it has the same _id/, /:9: .*duplicate/];

test('a bad line ends an import and says which, why and what to do; mended, it goes on', () => {
  const file = put('bad.jsonl', bad.join('\n'));
  const said = refused(1, 'db', 'import', 'bad', file);
  assert.match(said, whys[1]);
  assert.match(said, /0 documents in\. Mend the file .* --keep-going/);
  put('bad.jsonl', [bad[0], bad[9]].join('\n'));
  ok('db', 'import', 'bad', file);
  assert.equal(exported('bad').length, 2);
});

test('--keep-going leaves bad lines out, tells each and collects them as they came', () => {
  const file = put('kept.jsonl', bad.join('\n'));
  const r = stack.cli('db', 'import', 'kept', file, '--keep-going');
  assert.equal(r.status, 1);
  for (const why of whys.filter(Boolean)) assert.match(r.stderr, why);
  assert.match(r.stdout, /2 documents in, 8 refused/);
  const lines = readFileSync(`${file}.refused`, 'utf8').trim().split('\n');
  assert.deepEqual(lines.sort(), bad.slice(1, 9).sort());
  // beyond 64 bits JavaScript means a double
  assert.deepEqual(exported('kept'), ['{"_id":"1","a":1}', '{"_id":"2","n":1.2345678901234567e+19}']);
});

test('CSV that is refused is collected as CSV', () => {
  const file = put('cut.csv', '_id,n\na,1\nb,2,3\nc,3\n');
  assert.match(refused(1, 'db', 'import', 'cut', file, '--keep-going'), /cut\.csv:3: has 3 values/);
  assert.equal(readFileSync(`${file}.refused`, 'utf8'), '_id,n\nb,2,3\n');
  assert.match(refused(1, 'db', 'import', 'cut2', file, '--types', 'n:bool'), /cut\.csv:3: |cut\.csv:2: column n: /);
});

test('BSON that is cut off, damaged or something else is told with its place', { skip }, () => {
  const one = npm.bson.serialize({ _id: 'a', text: 'é' }), two = npm.bson.serialize({ _id: 'b' });
  const damaged = Buffer.from(one);
  damaged[damaged.indexOf(0xc3)] = 0x20;
  put('damaged.bson', Buffer.concat([two, damaged]));
  assert.match(refused(1, 'db', 'import', 'damaged', path('damaged.bson')),
    new RegExp(`damaged\\.bson: document 2, at byte ${two.length}: damaged BSON`));
  put('torn.bson', Buffer.concat([two, one.subarray(0, 9)]));
  assert.match(refused(1, 'db', 'import', 'torn', path('torn.bson')), /document 2, at byte \d+: .*cut off/);
  put('text.bson', 'hello world');
  assert.match(refused(1, 'db', 'import', 'text', path('text.bson')), /no BSON document begins here.*--format/);
  put('torn.jsonl.gz', gzipSync('{"a":1}\n'.repeat(100)).subarray(0, 30));
  assert.match(refused(1, 'db', 'import', 'torngz', path('torn.jsonl.gz')), /compressed data/);
});

test('a document as large as may be goes in and out; a larger one is told', () => {
  const text = (mib) => `{"_id":"big","t":"${'x'.repeat(mib * 1048576 - 100)}"}\n{"_id":"small"}\n`;
  inserted('big', text(16));
  assert.deepEqual(exported('big').map((l) => l.length), [16 * 1048576 - 100 + 20, 15]);
  assert.match(refused(1, 'db', 'import', 'bigger', put('bigger.jsonl', text(17))), /bigger\.jsonl:1: .*16 MiB/);
});

// As mongodump 100.x writes them (metadata canonical), and as 3.x did.
const metadata = { indexes: [
  { v: { $numberInt: '2' }, key: { _id: { $numberInt: '1' } }, name: '_id_' },
  { v: { $numberInt: '2' }, key: { price: { $numberInt: '-1' }, name: { $numberInt: '1' } }, name: 'price_-1_name_1' },
  { v: 2, unique: true, key: { sku: 1 }, name: 'sku_1' },
  { v: 2, key: { x: 'hashed' }, name: 'x_hashed' }], uuid: 'x', collectionName: 'goods', type: 'collection' };

test('a folder of mongodump comes with its indexes; those that cannot be are listed', { skip }, () => {
  mkdirSync(path('dump/shop'), { recursive: true });
  put('dump/shop/goods.bson', Buffer.concat([1, 2, 3].map((n) => npm.bson.serialize({ _id: n, sku: n, price: n }))));
  put('dump/shop/goods.metadata.json', JSON.stringify(metadata));
  put('dump/shop/%2Fodd.bson.gz', gzipSync(npm.bson.serialize({ _id: 'odd' })));
  put('dump/shop/system.views.bson', '');
  const r = stack.cli('db', 'import', path('dump'));
  assert.equal(r.status, 1, r.stderr);
  assert.match(r.stderr, /index x_hashed was not made/);
  assert.doesNotMatch(r.stderr, /sku_1|price_/);
  assert.equal(exported('goods').length, 3);
  assert.deepEqual(exported('/odd'), ['{"_id":"odd"}']);
});

test('an archive of mongodump comes apart into its collections, interrupted or not', { skip }, () => {
  const { serialize } = npm.bson, end = Buffer.from('ffffffff', 'hex');
  const block = (collection, docs, EOF = false) => [serialize({ db: 'shop', collection, EOF, CRC: npm.bson.Long.fromNumber(EOF ? 7 : 0) }),
    ...docs.map((d) => serialize(d)), end];
  const rows = (from, to) => Array.from({ length: to - from }, (_, i) => ({ _id: from + i }));
  const archive = (bad) => Buffer.concat([Buffer.from('6de29981', 'hex'),
    serialize({ concurrent_collections: 4, version: '0.1', server_version: '7.0.5', tool_version: '100.9.4' }),
    serialize({ db: 'shop', collection: 'left', metadata: JSON.stringify({ indexes: [{ key: { a: 1 }, name: 'a_1' }] }), size: 1, type: 'collection' }),
    serialize({ db: 'shop', collection: 'right', metadata: '{"indexes":[]}', size: 1, type: 'collection' }),
    serialize({ db: 'admin', collection: 'system.version', metadata: '{}', size: 1, type: 'collection' }), end,
    ...block('left', rows(0, 1200)), ...block('right', rows(0, 700)), ...block('left', rows(1200, 2500)),
    ...block('right', [...rows(700, 1500), bad, ...rows(1500, 1700)]), ...block('left', [], true), ...block('right', [], true)]);
  put('shop.archive', archive({ _id: 'bad', f: new npm.bson.Code('x') }));
  assert.match(refused(1, 'db', 'import', path('shop.archive')), /shop\.archive: document 1501, at byte \d+: f: \$code/);
  const r = stack.cli('db', 'import', path('shop.archive'), '--keep-going');
  assert.equal(r.status, 1, r.stderr);
  assert.match(r.stderr, /going on after 2,500 documents/);
  assert.equal(exported('left').length, 2500);
  assert.equal(exported('right').length, 1700);
  put('unnamed-archive.gz', gzipSync(archive({ _id: 'ok' })));
  ok('db', 'import', 'right', path('unnamed-archive.gz'), '--mode', 'replace');
  assert.match(refused(1, 'db', 'import', 'goods', path('shop.archive')), /no collection "goods"/);
  put('cut.archive', archive({ _id: 'ok' }).subarray(0, -30));
  assert.match(refused(1, 'db', 'import', path('cut.archive'), '--mode', 'skip'), /cut off/);
});

test('--all writes a folder that import and deploy take back, definitions and all', () => {
  const out = path('everything');
  ok('db', 'export', '--all', '-o', out);
  const files = readdirSync(out).sort();
  assert.ok(files.includes('board.jsonl') && files.includes('%2Fodd.jsonl') && files.includes('database'), files.join());
  assert.ok(!files.includes('export.resume'));
  assert.equal(JSON.parse(readFileSync(join(out, 'database/board.json'), 'utf8')).permission, 'ADMINWRITE');
  const r = stack.cli('db', 'import', out, '--mode', 'replace');
  assert.equal(r.status, 0, r.stderr);
  const again = path('again');
  ok('db', 'export', '--all', '-o', again);
  const same = spawnSync('diff', ['-r', out, again], { encoding: 'utf8' });
  assert.equal(same.status, 0, same.stdout);
});

test('what is asked wrongly is answered with what to write', () => {
  put('x.jsonl', '{}');
  assert.match(refused(2, 'db', 'import', 'x.jsonl'), /mpcloud db import COLLECTION x\.jsonl/);
  assert.match(refused(1, 'db', 'import', 'x', 'missing.jsonl'), /missing\.jsonl: No such file/);
  assert.match(refused(2, 'db', 'import', 'x', 'x.jsonl', '--mode', 'merge'), /insert, upsert, replace, skip/);
  assert.match(refused(2, 'db', 'import', 'x', 'x.jsonl', '--format', 'xls'), /json, csv, bson/);
  assert.match(refused(2, 'db', 'import', stack.project), /mpcloud deploy/);
  assert.match(refused(1, 'db', 'export', 'nowhere'), /no collection "nowhere"; there are: .*board/);
  assert.match(refused(2, 'db', 'export', '--all'), /--output FOLDER/);
  assert.match(refused(2, 'db', 'export', 'board', '--format', 'csv'), /--fields _id,name/);
});
