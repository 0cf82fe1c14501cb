// Generated rules against a plain evaluator: whatever the rule, the caller sees,
// counts, changes, removes and makes exactly what the evaluator allows.

import assert from 'node:assert/strict';
import { test, after } from 'node:test';
import { Driver } from '../rules/driver.mjs';
import { Rule } from '../rules/evaluate.mjs';
import { authOf, callers, makeGenerator, matches, write } from '../rules/generate.mjs';
import { makeRandom } from '../differential/random.mjs';

const build = process.env.MPCLOUD_BUILD;
const seed = Number(process.env.RULES_SEED ?? 20261121);
const rounds = Number(process.env.RULES_ROUNDS ?? 120); // 25 rules each
const driver = new Driver(build);
after(() => driver.child.kill());

const nobody = { openid: '' };
const sorted = (list) => [...list].sort();
const idsOf = (docs) => sorted(docs.map((d) => d._id));

// Errors of the caller's are refusals; anything else is a fault.
function refused(answer) {
  assert.ok(answer.err === null || answer.err === 'ERR_DB_DENIED', `${answer.err}: ${answer.text}`);
  return answer.err !== null;
}

const seen = { rules: 0, answers: 0, all: 0, none: 0, some: 0, refused: 0 };
function tally(want, of) {
  seen.answers++;
  seen[want === 0 ? 'none' : want === of ? 'all' : 'some']++;
}

async function isRead(c) {
  const want = idsOf(c.docs.filter((d) => c.rule.allows(c.tree, d) && matches(c.query, d, c.openid)));
  const found = await driver.run('find', 'docs', c.scope, { query: c.query, order: c.r.one([undefined, { n: 1 }, { s: -1, _id: 1 }]) });
  const got = refused(found) ? [] : sorted(found.list.map((d) => d._id));
  assert.deepEqual(got, want);
  const counted = await driver.run('count', 'docs', c.scope, { query: c.query });
  assert.equal(refused(counted) ? 0 : counted.total, want.length);
  const grouped = await driver.run('aggregate', 'docs', c.scope, { stages: [{ $match: c.query }, { $group: { _id: null, ids: { $push: '$_id' } } }] });
  assert.deepEqual(refused(grouped) ? [] : sorted(grouped.list[0]?.ids ?? []), want);
  if (found.err) seen.refused++;
  tally(want.length, c.docs.length);
}

// A path of the change that leads through something that has no members.
const isStuck = (doc, data) => Object.keys(data.$set).some((path) => {
  let v = doc;
  return path.split('.').slice(0, -1).some((key) => {
    v = v[key];
    if (v === undefined) v = {};
    return v === null || typeof v !== 'object' || Array.isArray(v) || v instanceof Date;
  });
});

async function isUpdate(c) {
  const fits = c.docs.filter((d) => c.rule.allows(c.tree, d) && matches(c.query, d, c.openid));
  const changed = await driver.run('update', 'docs', c.scope, { query: c.query, data: c.data, multi: true, merge: true });
  // an error may speak of a document that the caller may change, of no other
  if (fits.some((d) => isStuck(d, c.data))) {
    assert.equal(changed.err, 'ERR_DB_PARAM');
    return;
  }
  assert.equal(refused(changed) ? 0 : changed.total, fits.length);
  const touched = await driver.run('find', 'docs', null, { query: { touched: true } });
  assert.deepEqual(sorted(touched.list.map((d) => d._id)), idsOf(fits));
  tally(fits.length, c.docs.length);
  if (fits.length) await driver.fill('docs', c.docs);
}

async function isDelete(c) {
  const fits = c.docs.filter((d) => c.rule.allows(c.tree, d) && matches(c.query, d, c.openid));
  const removed = await driver.run('remove', 'docs', c.scope, { query: c.query, multi: true });
  assert.equal(refused(removed) ? 0 : removed.total, fits.length);
  const left = await driver.run('find', 'docs', null);
  assert.deepEqual(sorted(left.list.map((d) => d._id)), idsOf(c.docs.filter((d) => !fits.includes(d))));
  tally(fits.length, c.docs.length);
  if (fits.length) await driver.fill('docs', c.docs);
}

async function isCreate(c) {
  const doc = { ...c.generator.document('new') };
  delete doc._openid;
  const want = c.rule.allows(c.tree, c.scope.openid ? { ...doc, _openid: c.openid } : { ...doc, _openid: '' });
  const made = await driver.run('insert', 'docs', c.scope, { data: [doc] });
  const there = await driver.run('count', 'docs', null, { query: { _id: 'new' } });
  assert.equal(there.total, want ? 1 : 0);
  assert.equal(refused(made), !want);
  tally(want ? 1 : 0, 1);
  if (want) await driver.run('remove', 'docs', null, { query: { _id: 'new' } });
}

const acts = { read: isRead, update: isUpdate, delete: isDelete, create: isCreate };

async function round(r, generator) {
  const docs = Array.from({ length: 10 }, (_, i) => generator.document(`d${i}`));
  const refs = generator.refs();
  await driver.fill('docs', docs);
  await driver.fill('refs', Object.values(refs));
  for (let i = 0; i < 25; i++) {
    const act = r.weighed([[5, 'read'], [2, 'update'], [1, 'delete'], [2, 'create']]);
    const tree = generator.rule(act);
    const expression = write(r, tree);
    if (Buffer.byteLength(expression) > 1024) continue;
    const caller = r.one(callers);
    const data = generator.change();
    const c = { r, generator, docs, tree, data, query: generator.query(), scope: caller ?? nobody, openid: caller?.openid ?? '',
      rule: new Rule({ act, auth: authOf(caller), data: act === 'update' ? data : undefined, now: 0, collections: { refs } }) };
    // "now" is the daemon's clock: rules compare it with small numbers only
    c.rule.call.now = Date.now();
    await driver.permit('docs', 'CUSTOM', { rules: { [act]: expression } });
    seen.rules++;
    try {
      await acts[act](c);
    } catch (error) {
      error.message += `\n${act}: ${expression}\ncaller ${JSON.stringify(caller)} query ${JSON.stringify(c.query)} data ${JSON.stringify(data)}`
        + `\ndocs ${c.docs.map((d) => JSON.stringify([c.rule.answer(tree, d), d])).join('\n     ')}\nrefs ${JSON.stringify(refs)}`;
      throw error;
    }
  }
}

test('what a generated rule allows is what a plain evaluator says', async (t) => {
  const r = makeRandom(seed);
  const generator = makeGenerator(r);
  await driver.permit('docs', 'CUSTOM', { rules: {} });
  await driver.permit('refs', 'ADMINONLY');
  for (let i = 0; i < rounds; i++) await round(r, generator);
  t.diagnostic(JSON.stringify(seen));
  assert.ok(seen.rules > rounds * 20);
  // the rules were not all trivial
  assert.ok(seen.some > seen.answers / 10 && seen.none > seen.answers / 10 && seen.all > seen.answers / 20, JSON.stringify(seen));
});

test('the driver ends well', async () => {
  assert.equal(await driver.end(), 0);
});
