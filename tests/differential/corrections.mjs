// mingo's pipeline operators that answer otherwise than MongoDB's manual says,
// put right: a difference that is gone with these is theirs.
//
//   name, mongodb, link   as in known.mjs
//   operators             whose presence in a pipeline makes it such a case
//   stages, accumulators, expressions   what takes their place

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { source } from '../lib/stack.mjs';
import { compare, matches } from './reference.mjs';
import { canonical } from './values.mjs';

const load = createRequire(join(source, 'tests/package.json'));
const { Context, evalExpr } = load('mingo/core');
const { Lazy } = load('mingo/lazy');
const original = Object.fromEntries(['accumulator', 'expression', 'pipeline', 'projection', 'query', 'window']
  .map((kind) => [kind, load(`mingo/operators/${kind}`)]));

const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v) && !(v instanceof Date);
const missing = (v) => v === undefined || v === null;
const each = (names, make) => Object.fromEntries(names.map((name) => [name, make(name)]));
const get = (doc, path) => path.split('.').reduce((v, step) => (isObject(v) ? v[step] : undefined), doc);
const later = (make) => { // a stage that must see all documents first
  let list;
  return Lazy(() => (list ??= make()).next());
};

// What $set makes at a dotted path: objects on the way, in every element of an
// array, in place of anything else.
function put(v, steps, x) {
  if (steps.length === 0) return x;
  if (Array.isArray(v)) return v.map((e) => put(e, steps, x));
  const to = isObject(v) ? { ...v } : {};
  const made = put(to[steps[0]], steps.slice(1), x);
  if (made === undefined) delete to[steps[0]];
  else to[steps[0]] = made;
  return to;
}

function unwind(doc, { path, includeArrayIndex: at, preserveNullAndEmptyArrays: keeps }) {
  const field = path.slice(1);
  const v = get(doc, field);
  const whole = () => [at ? put(doc, at.split('.'), null) : doc];
  if (missing(v)) return keeps ? whole() : [];
  if (!Array.isArray(v)) return whole();
  if (v.length === 0) return keeps ? [put(whole()[0], field.split('.'), undefined)] : [];
  return v.map((e, i) => put(at ? put(doc, at.split('.'), i) : doc, field.split('.'), e));
}

function bucket(docs, { groupBy, boundaries, output = { count: { $sum: 1 } }, ...rest }, options) {
  const groups = new Map();
  for (const doc of docs) {
    const key = evalExpr(doc, groupBy, options);
    const at = boundaries.findIndex((low, i) => i + 1 < boundaries.length && compare(low, key) <= 0 && compare(key, boundaries[i + 1]) < 0);
    if (at < 0 && rest.default === undefined) throw new Error('$bucket without a default');
    const id = at < 0 ? rest.default : boundaries[at];
    groups.set(id, [...(groups.get(id) ?? []), doc]);
  }
  return [...groups].sort(([a], [b]) => compare(a, b)).map(([_id, list]) => ({ ...evalExpr(list, output, options), _id }));
}

const dates = ['$year', '$month', '$dayOfMonth', '$hour', '$minute', '$second', '$millisecond', '$dayOfWeek', '$dayOfYear',
  '$isoWeek', '$isoDayOfWeek', '$isoWeekYear'];
const values = (list, expr, options) => list.map((doc) => evalExpr(doc, expr, { ...options, root: doc })).filter((v) => v !== undefined);

// As the order of all types, with what is missing below null.
const order = (a, b) => ((a === undefined) !== (b === undefined) ? (a === undefined ? -1 : 1) : Math.sign(compare(a, b)));
const comparisons = { $eq: (c) => c === 0, $ne: (c) => c !== 0, $gt: (c) => c > 0, $gte: (c) => c >= 0, $lt: (c) => c < 0, $lte: (c) => c <= 0, $cmp: (c) => c };
const text = (v) => {
  if (typeof v === 'string' || missing(v)) return v ?? '';
  if (typeof v === 'number' || v instanceof Date) return v instanceof Date ? v.toISOString() : String(v);
  throw new Error('no text');
};
const upper = (s) => s.replace(/[a-z]/g, (c) => c.toUpperCase());
const numbers = (list) => list.filter((v) => typeof v === 'number');
const total = (list) => numbers(list).reduce((a, b) => a + b, 0);
const mean = (list) => (numbers(list).length ? total(list) / numbers(list).length : null);
const extreme = (way) => (list) => list.filter((v) => !missing(v)).reduce((a, b) => (a === null || compare(b, a) * way > 0 ? b : a), null);
const folds = { $sum: total, $avg: mean, $min: extreme(-1), $max: extreme(1),
  $stdDevPop: (list) => (numbers(list).length ? Math.sqrt(mean(numbers(list).map((v) => (v - mean(list)) ** 2))) : null) };

export const corrections = [
  { name: '$count of nothing', mongodb: 'no document at all', link: 'reference/operator/aggregation/count/', operators: ['$count'],
    stages: { $count: (docs, name) => later(() => Lazy([docs.collect().length].filter(Boolean).map((n) => ({ [name]: n })))) } },
  { name: '$bucket', mongodb: 'a boundary belongs to the bucket above it, and no bucket is empty', link: 'reference/operator/aggregation/bucket/',
    operators: ['$bucket'], stages: { $bucket: (docs, spec, options) => later(() => Lazy(bucket(docs.collect(), spec, options))) } },
  { name: '$unwind of what is no array', mongodb: 'is an array of one, also "", {} and false', link: 'reference/operator/aggregation/unwind/#document-operand-with-options',
    operators: ['$unwind'], stages: { $unwind: (docs, spec) => later(() => Lazy(docs.collect().flatMap((doc) =>
      unwind(doc, typeof spec === 'string' ? { path: spec } : spec)))) } },
  { name: '$set through what is missing', mongodb: 'the objects on the way are made, also when the value is missing',
    link: 'reference/operator/aggregation/addFields/', operators: ['$set', '$addFields'],
    stages: each(['$set', '$addFields'], () => (docs, spec, options) => docs.map((doc) =>
      Object.entries(spec).reduce((to, [path, x]) => put(to, path.split('.'), evalExpr(doc, x, options)), doc))) },
  { name: '$push and $addToSet of what is missing', mongodb: 'nothing is added', link: 'reference/operator/aggregation/push/',
    operators: ['$push', '$addToSet'], accumulators: { $push: values,
      $addToSet: (list, expr, options) => [...new Map(values(list, expr, options).map((v) => [canonical(v), v])).values()] } },
  { name: '$week', mongodb: 'week 1 begins with the first Sunday of the year, days before are of week 0', link: 'reference/operator/aggregation/week/',
    operators: ['$week'], expressions: { $week: (doc, expr, options) => {
      const d = evalExpr(doc, expr, options);
      return missing(d) ? null : Math.floor(((d - Date.UTC(d.getUTCFullYear(), 0, 1)) / 86400000 + 7 - d.getUTCDay()) / 7);
    } } },
  { name: 'parts of a date that is missing', mongodb: 'null', link: 'reference/operator/aggregation/year/#behavior', operators: dates,
    expressions: each(dates, (name) => (doc, expr, options) => (missing(evalExpr(doc, expr, options)) ? null : original.expression[name](doc, expr, options))) },
  { name: '$not of ""', mongodb: 'false: only false, null, 0 and missing are false', link: 'reference/operator/aggregation/not/', operators: ['$not'],
    expressions: { $not: (doc, expr, options) => {
      const v = evalExpr(doc, [].concat(expr)[0], options);
      return missing(v) || v === false || v === 0;
    } } },
  { name: '$zip with an empty array', mongodb: 'as short as the shortest: empty', link: 'reference/operator/aggregation/zip/', operators: ['$zip'],
    expressions: { $zip: (doc, expr, options) => {
      const inputs = evalExpr(doc, expr.inputs, options);
      return Array.isArray(inputs) && inputs.every(Array.isArray) && inputs.some((list) => list.length === 0) ? [] : original.expression.$zip(doc, expr, options);
    } } },
  { name: 'comparison with what is missing', mongodb: 'missing is less than null and unlike it', link: 'reference/bson-type-comparison-order/#non-existent-fields',
    operators: Object.keys(comparisons), expressions: each(Object.keys(comparisons), (name) => (doc, [a, b], options) =>
      comparisons[name](order(evalExpr(doc, a, options), evalExpr(doc, b, options)))) },
  { name: '$toUpper, $toLower and $strcasecmp', mongodb: 'change ASCII letters only, take null as ""', link: 'reference/operator/aggregation/toUpper/',
    operators: ['$toUpper', '$toLower', '$strcasecmp'], expressions: {
      $toUpper: (doc, expr, options) => upper(text(evalExpr(doc, [].concat(expr)[0], options))),
      $toLower: (doc, expr, options) => text(evalExpr(doc, [].concat(expr)[0], options)).replace(/[A-Z]/g, (c) => c.toLowerCase()),
      $strcasecmp: (doc, [a, b], options) => Math.sign(Buffer.compare(...[a, b].map((x) => Buffer.from(upper(text(evalExpr(doc, x, options))))))) } },
  { name: '$sum, $avg, $min, $max, $stdDevPop', mongodb: 'what is missing or no number is left out; null, or 0 for $sum, when nothing is left; of one value that is no array: of it alone',
    link: 'reference/operator/aggregation/sum/#behavior', operators: Object.keys(folds),
    // In a group mingo asks expressions too, with the list of documents.
    expressions: each(Object.keys(folds), (name) => (doc, expr, options) => {
      if (Array.isArray(doc)) return folds[name](values(doc, expr, options));
      const list = Array.isArray(expr) && expr.length !== 1 ? expr.map((x) => evalExpr(doc, x, options)) : evalExpr(doc, [].concat(expr)[0], options);
      return folds[name](Array.isArray(list) ? list : [list]);
    }) },
  { name: '$round to a place', mongodb: 'to the nearest, a half to the even one', link: 'reference/operator/aggregation/round/#rounding-to-even-values',
    operators: ['$round'], expressions: { $round: (doc, expr, options) => {
      const [v, place = 0] = [].concat(expr).map((x) => evalExpr(doc, x, options));
      if (typeof v !== 'number' || Number.isInteger(v)) return original.expression.$round(doc, expr, options);
      const scaled = v * 10 ** place;
      const near = Math.floor(scaled + 0.5);
      return (near - scaled === 0.5 && near % 2 ? near - 1 : near) / 10 ** place;
    } } },
  { name: '$mod of null', mongodb: 'null', link: 'reference/operator/aggregation/mod/', operators: ['$mod'],
    expressions: { $mod: (doc, expr, options) => (expr.some((x) => missing(evalExpr(doc, x, options))) ? null : original.expression.$mod(doc, expr, options)) } },
  { name: '$lookup by an array', mongodb: 'finds what equals one of its elements, nothing otherwise', link: 'reference/operator/aggregation/lookup/#use--lookup-with-an-array',
    operators: ['$lookup'], stages: { $lookup: (docs, { from, localField, foreignField, as }, options) => docs.map((doc) => {
      const local = get(doc, localField) ?? null;
      return { ...doc, [as]: options.collectionResolver(from).filter((other) => matches(other, { [foreignField]: { $in: [].concat(local) } })) };
    }) } },
];

const all = (kind) => Object.assign({}, ...corrections.map((c) => c[kind]));
export const context = Context.init({
  ...original,
  pipeline: { ...original.pipeline, ...all('stages') },
  accumulator: { ...original.accumulator, ...all('accumulators') },
  expression: { ...original.expression, ...all('expressions') },
});

// Errors become null.
export const lenient = { failOnError: false };
