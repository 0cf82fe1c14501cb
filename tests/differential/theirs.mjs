// mingo, asked the same.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { source } from '../lib/stack.mjs';
import { copy } from './values.mjs';

const load = createRequire(join(source, 'tests/package.json'));
export const { version } = load('mingo/package.json');
const mingo = load('mingo');
const { updateOne } = load('mingo/updater');
const { Aggregator } = load('mingo/aggregator'); // takes a context of operators as it is

export function find(docs, { query, order, projection, skip, limit }) {
  const cursor = mingo.find(copy(docs), query, projection); // it changes what it is given
  if (order) cursor.sort(order);
  if (skip) cursor.skip(skip);
  if (limit) cursor.limit(limit);
  return copy(cursor.all());
}

// A condition, to ask of many documents.
export const condition = (query) => new mingo.Query(query);

// The document after it, which is another one.
export function update({ before, query, update: change, arrayFilters }) {
  const docs = [copy(before)];
  const { matchedCount } = updateOne(docs, query, copy(change), arrayFilters ? { arrayFilters, cloneMode: 'deep' } : { cloneMode: 'deep' });
  return { matched: matchedCount, after: copy(docs[0]) };
}

const run = (stages, options, list) => (options.context ? new Aggregator(stages, options).run(list) : mingo.aggregate(list, stages, options));

// Stage by stage: $redact leaves holes that the next one would stumble over,
// and $set lets two members share one object.
export function aggregate(docs, pipeline, others = {}, more = {}) {
  const options = { collectionResolver: (name) => copy(others[name] ?? []), ...more };
  return pipeline.reduce((list, stage) => run([stage], options, copy(list)).filter((doc) => doc !== undefined), copy(docs)).map(copy);
}
