// Aggregation pipelines, of expressions that have a type, so that most of them
// mean something; what a document lacks stays in them all the same.

import { makeValues } from './documents.mjs';

export function makeExpressions(r) {
  const values = makeValues(r);
  const words = ['a', 'ab', 'abc', 'B', 'zz', '10', 'a b', 'x-y', '中a'];
  const pick = (list, deep) => r.weighed(list.map(([w, make, leaf]) => [deep > 2 && !leaf ? 0 : w, make]))();
  const e = {
    number: (deep = 0) => pick([
      [4, () => r.one(['$n', '$m', '$m', '$o.v']), true],
      [2, () => values.number(), true],
      [1, () => ({ $literal: r.int(-5, 5) }), true],
      [2, () => ({ $add: r.some(1, 3, () => e.number(deep + 1)) })],
      [2, () => ({ $subtract: [e.number(deep + 1), e.number(deep + 1)] })],
      [2, () => ({ $multiply: r.some(1, 3, () => e.number(deep + 1)) })],
      [1, () => ({ $divide: [e.number(deep + 1), r.one([2, 4, -5, 0.5])] })],
      [1, () => ({ $mod: [e.number(deep + 1), r.one([2, 3, -4])] })],
      [1, () => ({ [r.one(['$abs', '$ceil', '$floor'])]: e.number(deep + 1) })],
      [1, () => ({ [r.one(['$trunc', '$round'])]: [e.number(deep + 1), r.int(0, 1)] })],
      [1, () => ({ $pow: [r.one(['$m', 2, 3]), r.int(0, 3)] })],
      [1, () => ({ $sqrt: { $abs: e.number(deep + 1) } })],
      [1, () => ({ $size: e.list(deep + 1) })],
      [1, () => ({ [r.one(['$strLenCP', '$strLenBytes'])]: e.string(deep + 1) })],
            [1, () => ({ $indexOfArray: [e.list(deep + 1), values.scalar()] })],
      [1, () => ({ $cmp: [e.any(deep + 1), e.any(deep + 1)] })],
      [1, () => ({ $strcasecmp: [e.string(deep + 1), e.string(deep + 1)] })],
      [2, () => ({ [r.one(['$sum', '$avg', '$min', '$max'])]: r.one(['$t', '$l.v', ['$n', '$m', 3]]) })],
      [1, () => ({ $reduce: { input: e.numbers(deep + 1), initialValue: 0, in: { $add: ['$$value', '$$this'] } } })],
      [1, () => ({ [r.one(['$year', '$month', '$dayOfMonth', '$hour', '$minute', '$second', '$millisecond', '$dayOfWeek',
        '$dayOfYear', '$week', '$isoWeek', '$isoDayOfWeek', '$isoWeekYear'])]: '$d' })],
    ], deep),
    string: (deep = 0) => pick([
      [4, () => '$s', true],
      [3, () => r.one(words), true],
      [2, () => ({ $concat: r.some(1, 3, () => e.string(deep + 1)) })],
      [1, () => ({ [r.one(['$toUpper', '$toLower'])]: e.string(deep + 1) })],
      [1, () => ({ $substrCP: [e.string(deep + 1), r.int(0, 2), r.int(0, 3)] })],
      [1, () => ({ [r.one(['$trim', '$ltrim', '$rtrim'])]: { input: e.string(deep + 1), ...(r.once(2) ? { chars: r.one(['a', 'ab', ' ']) } : {}) } })],
      [1, () => ({ $toString: r.one(['$m', '$b', '$s']) })],
      [1, () => ({ $type: e.any(deep + 1) })],
      [1, () => ({ $dateToString: { date: '$d', format: r.one(['%Y-%m-%d', '%H:%M:%S.%L', '%j', '%Y%m%dT%H']) } })],
      [1, () => ({ $replaceAll: { input: e.string(deep + 1), find: r.one(['a', 'b']), replacement: r.one(['', 'zz']) } })],
    ], deep),
    bool: (deep = 0) => pick([
      [2, () => '$b', true],
      [3, () => ({ [r.one(['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'])]: [e.any(deep + 1), e.any(deep + 1)] })],
      [2, () => ({ [r.one(['$and', '$or'])]: r.some(0, 3, () => e.any(deep + 1)) })],
      [1, () => ({ $not: [e.any(deep + 1)] })],
      [1, () => ({ $in: [e.any(deep + 1), e.list(deep + 1)] })],
      [1, () => ({ [r.one(['$anyElementTrue', '$allElementsTrue'])]: [e.list(deep + 1)] })],
      [1, () => ({ $setIsSubset: [e.list(deep + 1), e.list(deep + 1)] })],
      [1, () => ({ $setEquals: [e.list(deep + 1), e.list(deep + 1)] })],
      [1, () => ({ $isArray: [e.any(deep + 1)] })],
      [1, () => ({ $isNumber: e.any(deep + 1) })],
    ], deep),
    numbers: (deep = 0) => pick([
      [3, () => ({ $literal: r.some(0, 4, () => values.number()) }), true],
      [2, () => ({ $range: [r.int(0, 3), r.int(0, 8), r.int(1, 3)] }), true],
      [2, () => ({ $filter: { input: e.list(deep + 1), as: 'i', cond: { $isNumber: '$$i' } } })],
      [1, () => ({ $map: { input: e.list(deep + 1), as: 'i', in: { $cond: [{ $isNumber: '$$i' }, '$$i', 1] } } })],
    ], deep),
    list: (deep = 0) => pick([
      [3, () => ({ $ifNull: ['$t', []] }), true],
      [2, () => ({ $cond: [{ $isArray: '$x' }, '$x', [{ $ifNull: ['$n', 0] }]] }), true],
      [2, () => ({ $literal: values.numbers() }), true],
      [2, () => e.numbers(deep + 1)],
      [1, () => ({ $concatArrays: r.some(1, 2, () => e.list(deep + 1)) })],
      [1, () => ({ $slice: [e.list(deep + 1), r.one([-2, -1, 1, 2])] })],
      [1, () => ({ $reverseArray: e.list(deep + 1) })],
      [1, () => ({ $split: [{ $ifNull: [e.string(deep + 1), ''] }, r.one(['a', 'b', ' '])] })],
      [1, () => ({ $map: { input: e.list(deep + 1), in: { $ifNull: ['$$this', 0] } } })],
      [1, () => ({ $zip: { inputs: [e.list(deep + 1), e.numbers(deep + 1)] } })],
      // The daemon does not keep the order of members.
      [1, () => ({ $sortArray: { input: { $objectToArray: { $ifNull: [{ $cond: [{ $eq: [{ $type: '$o' }, 'object'] }, '$o', null] }, {}] } }, sortBy: { k: 1 } } })],
      [1, () => ({ $sortArray: { input: e.numbers(deep + 1), sortBy: r.one([1, -1]) } })],
    ], deep),
    any: (deep = 0) => pick([
      [4, () => r.one(['$n', '$m', '$s', '$b', '$d', '$t', '$o', '$x', '$o.k', '$o.p.q', '$l.k', '$no']), true],
      [2, () => values.scalar(), true],
      [2, () => e.number(deep + 1)],
      [2, () => e.string(deep + 1)],
      [1, () => e.bool(deep + 1)],
      [1, () => e.list(deep + 1)],
      [2, () => ({ $cond: r.once(2) ? [e.bool(deep + 1), e.any(deep + 1), e.any(deep + 1)]
        : { if: e.bool(deep + 1), then: e.any(deep + 1), else: e.any(deep + 1) } })],
      [2, () => ({ $ifNull: [e.any(deep + 1), e.any(deep + 1)] })],
      [1, () => ({ $switch: { branches: r.some(1, 2, () => ({ case: e.bool(deep + 1), then: e.any(deep + 1) })), default: e.any(deep + 1) } })],
      [1, () => ({ $arrayElemAt: [e.list(deep + 1), r.int(-2, 3)] })],
      [1, () => ({ $let: { vars: { v: e.any(deep + 1) }, in: { $eq: ['$$v', e.any(deep + 1)] } } })],
      [1, () => ({ $mergeObjects: ['$o', { z: e.number(deep + 1) }] })],
      [1, () => ({ p: e.number(deep + 1), q: [{ $ifNull: [e.any(deep + 1), 0] }] })],
    ], deep),
  };
  return e;
}

// What depends on the order of documents follows a $sort that leaves no choice,
// and there is one $unwind at most, which numbers what it makes of a document.
function inOrder(stages) {
  const first = stages.findIndex((stage) => stage.$unwind);
  const list = stages.filter((stage, i) => !stage.$unwind || i === first);
  const sensitive = list.findIndex((stage) => /"\$(push|first|last|limit|skip)"/.test(JSON.stringify(stage)));
  if (sensitive >= 0 && !list.slice(0, sensitive).some((stage) => stage.$sort)) list.splice(sensitive, 0, { $sort: { n: 1, _id: 1 } });
  if (first < 0 || !list.some((stage) => stage.$sort)) return list;
  return list.map((stage) => (stage.$unwind ? { $unwind: { ...(stage.$unwind.path ? stage.$unwind : { path: stage.$unwind }), includeArrayIndex: 'at' } }
    : stage.$sort ? { $sort: { ...stage.$sort, at: 1 } } : stage));
}

// Conditions on plain fields: what conditions do to arrays is for the finds.
function makeMatch(r, docs) {
  const values = makeValues(r);
  const field = r.one(['n', 'm', 's', 'b', 'd']);
  const value = () => (r.once(3) ? values.scalar() : r.one(docs)[field] ?? null);
  const plain = () => value() ?? 3;
  return { [field]: r.weighed([[3, value], [2, () => ({ $gt: plain() })], [2, () => ({ $lt: plain() })], [1, () => ({ $ne: value() })],
    [1, () => ({ $in: [value(), value()] })], [1, () => ({ $exists: r.once(2) })]])() };
}

// 1 and false say what is left in or out, {p: …} is a projection of its own.
const computed = (x) => {
  if (['number', 'boolean'].includes(typeof x)) return { $literal: x };
  return typeof x === 'object' && x && !Array.isArray(x) && Object.keys(x)[0]?.[0] !== '$' && !(x instanceof Date) ? { $ifNull: [x, 0] } : x;
};
const safe = (number) => ({ $cond: [{ $isNumber: number }, number, 0] });

// Stages that keep the documents' members, and those that end with others.
export function makePipeline(r, docs, others) {
  const e = makeExpressions(r);
  const kept = [
    [4, () => ({ $match: makeMatch(r, docs) })],
    [1, () => ({ $match: { $expr: e.bool() } })],
    [3, () => ({ [r.one(['$addFields', '$set'])]: Object.fromEntries(r.sample(['y', 'z', 'n', 'o.k'], r.int(1, 2)).map((k) => [k, k === 'n' ? e.number() : computed(e.any())])) })],
    [1, () => ({ $sort: { [r.one(['n', 'm', 's'])]: r.one([1, -1]), _id: 1 } })],
    [1, () => ({ $skip: r.int(0, 5) })],
    [1, () => ({ $limit: r.int(1, 30) })],
    [2, () => ({ $unwind: r.once(2) ? r.one(['$t', '$l', '$x']) : { path: r.one(['$t', '$l', '$o.t']),
      ...(r.once(2) ? { includeArrayIndex: 'at' } : {}), ...(r.once(2) ? { preserveNullAndEmptyArrays: r.once(2) } : {}) } })],
    [1, () => ({ $unset: r.one(['n', ['s', 'o.k'], 'l.k']) })],
    [1, () => ({ $lookup: { from: others, localField: r.one(['n', 's', 't', 'o.k']), foreignField: r.one(['n', 's', 't', 'o.k']), as: 'joined' } })],
    [1, () => ({ $redact: { $cond: [e.bool(), '$$KEEP', '$$PRUNE'] } })],
  ];
  const group = (id) => [{ $group: { _id: id, count: { $sum: 1 }, sum: { $sum: r.one(['$n', '$m', '$o.v']) },
    p: { [r.one(['$min', '$max', '$avg', '$first', '$last', '$push', '$addToSet', '$sum', '$stdDevPop'])]: r.one(['$m', '$n', '$s', '$b']) } } }];
  const ends = [
    [3, () => []],
    [3, () => [{ $project: Object.fromEntries([['_id', 1], ...r.sample(['y', 'z', 'n', 's'], r.int(1, 3)).map((k) => [k, r.once(3) ? 1 : computed(e.any())])]) }]],
    [5, () => group(r.one([null, '$b', '$m', '$s', '$o.k', { a: '$b', c: '$m' }, '$t', '$no']))],
    [1, () => group(e.any())],
    [1, () => [{ $count: 'total' }]],
    [1, () => [{ $sortByCount: r.one(['$b', '$m', '$s']) }]],
    [1, () => [{ $bucket: { groupBy: safe('$m'), boundaries: [-10, 0, 3, 6, 20], ...(r.once(2) ? { output: { c: { $sum: 1 }, l: { $push: '$m' } } } : {}) } }]],
    [1, () => [{ $replaceRoot: { newRoot: { $mergeObjects: [{ a: e.any() }, { b: '$m' }] } } }]],
    [1, () => [{ $facet: { a: [{ $match: makeMatch(r, docs) }, { $count: 'c' }], b: [{ $sort: { m: 1, _id: 1 } }, { $limit: 3 }, { $project: { m: 1 } }] } }]],
  ];
  const stages = r.some(0, 3, () => r.weighed(kept)());
  const pipeline = inOrder([...stages, ...r.weighed(ends)()]);
  // Groups come in any order, and so do the values of a set.
  return { kind: 'aggregate', pipeline, unordered: Boolean(pipeline.at(-1)?.$group ?? pipeline.at(-1)?.$sortByCount),
    set: JSON.stringify(pipeline).includes('"p":{"$addToSet"') };
}
