// The daemon against mingo, an independent implementation of MongoDB's language:
// generated documents × queries, orders, projections × changes × pipelines, the
// same every time for one seed.  Equal answers pass; a difference passes when it
// is in the tables of known.mjs and corrections.mjs, with MongoDB's own answer.
//
//   DIFFERENTIAL_CASES   of all kinds together (28000; 4000 under sanitizers)
//   DIFFERENTIAL_SEED    (1)

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { lacksPackages, sanitized } from '../lib/stack.mjs';
import { show } from './values.mjs';

const skip = lacksPackages('tests');
const cases = Number(process.env.DIFFERENTIAL_CASES ?? (sanitized ? 4000 : 28000));
const seed = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const ROUND = 200; // cases on one collection

let ours, stop, session;
before(async () => {
  if (skip) return;
  session = await import('./session.mjs');
  ({ ours, stop } = await (await import('./start.mjs')).start());
});
after(() => stop?.());

const answer = (a) => (a.error !== undefined ? `refused: ${a.error}` : show(a.value)).slice(0, 2000);

function report(t, tally) {
  t.diagnostic(`${tally.cases} cases, seed ${seed}: ${tally.equal} equal, ${tally.refused} refused by both`);
  for (const [row, count] of [...tally.known].sort((a, b) => b[1] - a[1]))
    t.diagnostic(`${String(count).padStart(5)}  ${row.name}; MongoDB: ${row.mongodb} (manual/${row.link})`);
  for (const { docs, corrected, ours: o, mingo, ...asked } of tally.unknown.slice(0, 10))
    t.diagnostic(`NOT KNOWN ${show(asked)}\n  ours  ${answer(o)}\n  mingo ${answer(mingo)}`);
}

// share: of all cases.
async function compare(t, kind, share) {
  const tally = session.newTally();
  const rounds = Math.max(1, Math.round(cases * share / ROUND));
  for (let round = 0; round < rounds; round++) await session.kinds[kind](ours, tally, { seed, round, cases: ROUND });
  report(t, tally);
  assert.equal(tally.cases, rounds * ROUND);
  assert.equal(tally.unknown.length, 0, `${tally.unknown.length} differences in no row`);
  // a run that compares nothing would pass too
  assert.ok(tally.refused < tally.cases / 10, 'both refuse too much of what is asked');
}

test('documents are found, ordered and projected as MongoDB does', { skip }, (t) => compare(t, 'find', 5 / 12));
test('documents are changed as MongoDB does', { skip }, (t) => compare(t, 'update', 4 / 12));
test('pipelines answer as MongoDB does', { skip }, (t) => compare(t, 'aggregate', 3 / 12));
