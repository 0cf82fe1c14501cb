// Rounds of cases: documents are made and stored, every case is asked of both
// sides at once, and each answer that differs is judged by the table of known
// differences.

import { makeDocument } from './documents.mjs';
import { context, lenient } from './corrections.mjs';
import { causes } from './known.mjs';
import { makePipeline } from './pipelines.mjs';
import { makeFind } from './queries.mjs';
import { makeRandom } from './random.mjs';
import * as reference from './reference.mjs';
import { refuses, update as change } from './reference-update.mjs';
import * as theirs from './theirs.mjs';
import { makeChange } from './updates.mjs';
import { canonical } from './values.mjs';

// 9 significant digits of a sum, whose order is not the same.
const SUM_DIGITS = 9;
const padded = (n) => String(n).padStart(4, '0');

export const newTally = () => ({ cases: 0, equal: 0, refused: 0, known: new Map(), unknown: [] });

// {value} or {error}
async function attempt(ask) {
  try {
    return { value: await ask() };
  } catch (error) {
    if (error.code === undefined && !(error instanceof Error)) throw error;
    return { error: error.message, code: error.code };
  }
}

function judge(tally, one, ours, mingo, digits) {
  tally.cases++;
  if (ours.error !== undefined && mingo.error !== undefined) {
    tally.refused++;
    return;
  }
  if (ours.error === undefined && mingo.error === undefined &&
      canonical(ours.value, digits) === canonical(mingo.value, digits)) {
    tally.equal++;
    return;
  }
  const difference = { ...one, ours, mingo };
  const rows = isMongos(difference) ? causes[one.kind](difference) : [];
  for (const row of rows) tally.known.set(row, (tally.known.get(row) ?? 0) + 1);
  if (rows.length === 0) tally.unknown.push(difference);
}

// Is our answer the reference's?
const isMongos = ({ kind, ours, ...d }) => ({
  find: () => ours.error === undefined && canonical(ours.value) === canonical(reference.find(d.docs, d)),
  update: () => (refuses(d) ? ours.error !== undefined : ours.error === undefined && canonical(ours.value) === canonical(change(d))),
  aggregate: () => (ours.error !== undefined ? typeof d.corrected() === 'string' : [{}, lenient].some((options) =>
    canonical(ours.value, SUM_DIGITS) === canonical(d.corrected(options), SUM_DIGITS))),
})[kind]();

const together = (list, ask) => Promise.all(list.map(ask));

export async function runFinds(ours, tally, { seed, round, cases }) {
  const r = makeRandom(seed * 1000003 + round);
  const collection = `find_${seed}_${round}`;
  const docs = Array.from({ length: 50 }, (_, i) => makeDocument(r, `d${padded(i)}`));
  const list = Array.from({ length: cases }, () => makeFind(r, docs));
  await ours.add(collection);
  await ours.insert(collection, docs);
  await together(list, async (one) => {
    const got = await attempt(() => ours.find(collection, one));
    judge(tally, { ...one, docs }, got, await attempt(() => theirs.find(docs, one)));
  });
}

export async function runChanges(ours, tally, { seed, round, cases }) {
  const r = makeRandom(seed * 1000033 + round);
  const collection = `update_${seed}_${round}`;
  const docs = Array.from({ length: 50 }, (_, i) => makeDocument(r, `d${padded(i)}`, i % 3 > 0));
  const list = Array.from({ length: cases }, (_, i) => makeChange(r, docs, `u${padded(i)}`));
  await ours.add(collection);
  await ours.insert(collection, list.map((one) => one.before));
  const answers = await together(list, (one) => attempt(() => ours.update(collection, one.query, one.update, one)));
  const after = new Map((await ours.find(collection, {})).map((doc) => [doc._id, doc]));
  for (const [i, one] of list.entries()) {
    const got = answers[i].error === undefined ? { value: { matched: answers[i].value.updated, after: after.get(one.before._id) } } : answers[i];
    if (got.error !== undefined && canonical(after.get(one.before._id)) !== canonical(one.before))
      throw new Error(`a refused change changed ${one.before._id}`);
    judge(tally, one, got, await attempt(() => theirs.update(one)));
  }
}

export async function runPipelines(ours, tally, { seed, round, cases }) {
  const r = makeRandom(seed * 1000037 + round);
  const collection = `pipeline_${seed}_${round}`;
  const others = `others_${seed}_${round}`;
  const docs = Array.from({ length: 40 }, (_, i) => makeDocument(r, `d${padded(i)}`, true));
  const more = Array.from({ length: 12 }, (_, i) => makeDocument(r, `o${padded(i)}`, true));
  const list = Array.from({ length: cases }, () => makePipeline(r, docs, others));
  for (const [name, all] of [[collection, docs], [others, more]]) {
    await ours.add(name);
    await ours.insert(name, all);
  }
  const settle = (one, found) => {
    const by = (a, b) => (canonical(a) < canonical(b) ? -1 : 1);
    if (one.set) found.forEach((group) => group.p.sort(by));
    return one.unordered ? found.sort(by) : found;
  };
  await together(list, async (one) => {
    const got = await attempt(async () => settle(one, await ours.aggregate(collection, one.pipeline)));
    const mingo = await attempt(() => settle(one, theirs.aggregate(docs, one.pipeline, { [others]: more })));
    const corrected = (options = {}) => {
      try {
        return settle(one, theirs.aggregate(docs, one.pipeline, { [others]: more }, { context, ...options }));
      } catch (error) {
        return error.message;
      }
    };
    judge(tally, { ...one, docs, corrected }, got, mingo, SUM_DIGITS);
  });
}

export const kinds = { find: runFinds, update: runChanges, aggregate: runPipelines };
