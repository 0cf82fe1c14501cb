// Where mingo is known to differ from MongoDB, with MongoDB's documented answer,
// which the daemon gives.  A difference counts as known only when the daemon's
// answer is the reference's (reference.mjs) and every cause that can be found
// in the request is in a row here; anything else fails the test.
//
//   name      what differs
//   mongodb   MongoDB's answer
//   link      the manual's page
//   applies   is this condition (order, projection, operator) such a case?

import * as reference from './reference.mjs';
import { corrections } from './corrections.mjs';
import { innerLeaves, leavesOf } from './leaves.mjs';
import * as theirs from './theirs.mjs';
import { canonical } from './values.mjs';

const { bracket, crosses, matches } = reference;

const manual = 'https://www.mongodb.com/docs/manual/';
const numbers = ['int', 'long', 'double'];
const isObject = (v) => bracket(v) === 4;

// Every value on the way along a path, arrays entered.
function* along(v, steps) {
  yield v;
  if (Array.isArray(v)) for (const e of v) yield* along(e, steps);
  else if (steps.length && isObject(v)) yield* along(v[steps[0]], steps.slice(1));
}
const meets = (doc, path, test) => [...along(doc, path.split('.'))].some(test);
const nested = (v) => Array.isArray(v) && v.some(Array.isArray);

// Single conditions; `values` are what it compares with.
const conditions = [
  { name: '$gte and $lte null', mongodb: 'equality with null is part of both: null and missing match', link: 'tutorial/query-for-null-fields/',
    applies: ({ op, x }) => ['$gte', '$lte'].includes(op) && x === null },
  { name: '$all of what is no array', mongodb: 'the same as $and of equalities, a plain value matches', link: 'reference/operator/query/all/',
    applies: ({ op }) => op === '$all' },
  { name: '$type of numbers', mongodb: 'int, long and double exclude each other', link: 'reference/operator/query/type/',
    applies: ({ op, x }) => op === '$type' && [].concat(x).some((t) => numbers.includes(t)) },
  { name: '$type of elements', mongodb: 'an array matches when an element is of the type', link: 'reference/operator/query/type/#arrays',
    applies: ({ op, path }, doc) => op === '$type' && crosses(doc, path) },
  { name: '$mod of fractions', mongodb: 'the fraction is cut off first', link: 'reference/operator/query/mod/#floating-point-arguments',
    applies: ({ op, path }, doc) => op === '$mod' && meets(doc, path, (v) => typeof v === 'number' && !Number.isInteger(v)) },
  { name: '$mod of what is no number', mongodb: 'only numbers match', link: 'reference/operator/query/mod/',
    applies: ({ op, path }, doc) => op === '$mod' && meets(doc, path, (v) => typeof v !== 'number') },
  { name: 'a step that is a number', mongodb: 'names an element, which is not entered further, or a member of the elements that are objects',
    link: 'tutorial/query-array-of-documents/#use-the-array-index-to-query-for-a-field-in-the-embedded-document',
    applies: ({ path }, doc) => /\.\d+(\.|$)/.test(path) && crosses(doc, path) },
  { name: 'null through arrays', mongodb: 'an object among the elements that lacks the field matches, an empty array does not',
    link: 'tutorial/query-for-null-fields/', applies: ({ op, x, path }, doc) => ['$eq', '$ne', '$in', '$nin'].includes(op)
      && [].concat(x).includes(null) && crosses(doc, path) },
  { name: 'arrays among the values of $in', mongodb: 'an array of the list matches an equal array', link: 'reference/operator/query/in/',
    applies: ({ op, x }) => ['$in', '$nin'].includes(op) && x.some(Array.isArray) },
  { name: 'nothing reached is no empty array', mongodb: '[] matches an empty array only', link: 'tutorial/query-arrays/',
    applies: ({ op, x, path }, doc) => ['$eq', '$ne'].includes(op) && Array.isArray(x) && crosses(doc, path) },
  { name: '$size behind an array', mongodb: 'of each array that the path reaches', link: 'reference/operator/query/size/',
    applies: ({ op, path }, doc) => op === '$size' && path.includes('.') && crosses(doc, path) },
  { name: 'arrays behind an array', mongodb: 'the elements of every array that the path reaches are looked at',
    link: 'tutorial/query-array-of-documents/', applies: ({ path }, doc) => path.includes('.') && meets(doc, path, (v) => Array.isArray(v)
      && v.some((e) => isObject(e) && Object.values(e).some(Array.isArray))) },
  { name: 'arrays in arrays', mongodb: 'only the elements of the outer one are looked at', link: 'tutorial/query-arrays/',
    applies: ({ path }, doc) => meets(doc, path, nested) },
  { name: '$elemMatch behind an array', mongodb: 'of each array that the path reaches, never of what is no array',
    link: 'reference/operator/query/elemMatch/', applies: ({ op, path }, doc) => op === '$elemMatch' && path.includes('.') && crosses(doc, path) },
  { name: '$elemMatch with members, of what is no object', mongodb: 'does not match', link: 'reference/operator/query/elemMatch/',
    applies: ({ op, x, path }, doc) => op === '$elemMatch' && !Object.keys(x)[0].startsWith('$')
      && meets(doc, path, (v) => Array.isArray(v) && v.some((e) => !isObject(e))) },
  { name: '$elemMatch around one of these', mongodb: 'as the inner condition', link: 'reference/operator/query/elemMatch/',
    applies: ({ op, x, path }, doc) => op === '$elemMatch' && inner(x, path, doc) },
];

// The conditions inside an $elemMatch, about the elements.
function inner(x, path, doc) {
  const elements = [...along(doc, path.split('.'))].filter(Array.isArray).flat();
  const query = Object.keys(x)[0].startsWith('$') ? { e: x } : Object.fromEntries(Object.entries(x).map(([k, v]) => [`e.${k}`, v]));
  return leavesOf(query).some((leaf) => elements.some((e) => conditions.some((row) => row.applies(leaf, { e }))));
}

// mingo's answer for each document; the error's words where there is one.
function testsOf(query, docs) {
  const ask = (make) => {
    try {
      return make();
    } catch (error) {
      return error.message;
    }
  };
  const condition = ask(() => theirs.condition(query));
  return docs.map((doc) => (typeof condition === 'string' ? condition : ask(() => condition.test(doc))));
}

const pathsOf = (o) => Object.keys(o ?? {}).filter((k) => k !== '_id');

const orders = [
  { name: 'order by a path that meets arrays', mongodb: 'the least element counts, the greatest when it descends; [] is less than null',
    link: 'reference/method/cursor.sort/#ascending-descending-sort', applies: ({ order, docs }) => pathsOf(order).some((p) => docs.some((doc) => crosses(doc, p))) },
  { name: 'order of objects', mongodb: 'member by member: type, name, value', link: 'reference/bson-type-comparison-order/#objects',
    applies: ({ order, docs }) => pathsOf(order).some((p) => docs.filter((doc) => meets(doc, p, (v) => v !== doc && isObject(v))).length > 1) },
];

const projections = [
  { name: '_id: 1 beside exclusions', mongodb: 'allowed: _id may be either way', link: 'tutorial/project-fields-from-query-results/',
    applies: ({ projection: p }) => p._id === 1 && pathsOf(p).every((k) => p[k] === 0 || p[k].$slice !== undefined) },
  { name: '$slice beside exclusions', mongodb: 'is an exclusion itself', link: 'reference/operator/projection/slice/#behavior',
    applies: ({ projection: p }) => pathsOf(p).some((k) => p[k].$slice !== undefined) },
  { name: 'what is no object on a projected path', mongodb: 'a plain value is left out by an inclusion, also within arrays',
    link: 'tutorial/project-fields-from-query-results/#project-specific-embedded-fields-in-an-array',
    applies: ({ projection: p, docs }) => pathsOf(p).some((k) => k.includes('.') && docs.some((doc) => meets(doc, k, (v) => v !== doc && !isObject(v)))) },
  { name: '$elemMatch projection', mongodb: 'the first element that fits, none: the field is left out', link: 'reference/operator/projection/elemMatch/',
    applies: ({ projection: p }) => pathsOf(p).some((k) => p[k].$elemMatch) },
];

function differ(docs, one) {
  try {
    return canonical(theirs.find(docs, one)) !== canonical(reference.find(docs, one));
  } catch {
    return true;
  }
}

function add(causes, rows, d) {
  const row = rows.find((r) => r.applies(d));
  if (row) causes.add(row);
  return row !== undefined;
}

// Rows for every cause in a find, or an empty list.
function causesOfFind(d) {
  const causes = new Set();
  const departs = (leaf) => testsOf(leaf.query, d.docs).map((answer, i) => answer !== matches(d.docs[i], leaf.query));
  for (const leaf of leavesOf(d.query)) {
    const within = innerLeaves(leaf).map(departs); // a $not's own fault?
    for (const [i, wrong] of departs(leaf).entries()) {
      const doc = d.docs[i];
      if (!wrong || within.some((list) => list[i])) continue;
      const row = conditions.find((c) => c.applies(leaf, doc));
      if (!row) return [];
      causes.add(row);
    }
  }
  const { query, order, projection, docs } = d;
  const found = reference.find(docs, { query });
  const wide = { query: {}, order };
  if (order && differ(found, wide) && !add(causes, orders, d)) return [];
  if (projection && differ(reference.find(found, wide), { query: {}, projection }) && !add(causes, projections, d)) return [];
  return [...causes];
}

const uses = (...ops) => ({ update }) => ops.some((op) => update[op]);

const changes = [
  { name: 'what cannot be done is refused', mongodb: 'an error, and nothing is changed', link: 'reference/operator/update/',
    applies: ({ ours, mingo }) => ours.error !== undefined && mingo.error === undefined },
  { name: 'array filters and $', mongodb: 'a condition on the element itself', link: 'reference/operator/update/positional-filtered/',
    applies: ({ query, arrayFilters }) => arrayFilters !== undefined || Object.keys(query).length > 1 },
  { name: '$push with modifiers', mongodb: '$sort is by the order of all types, $slice and $sort apply to a new array too',
    link: 'reference/operator/update/push/#modifiers', applies: uses('$push') },
  { name: '$addToSet', mongodb: 'adds what is not there, leaves the rest as it is', link: 'reference/operator/update/addToSet/', applies: uses('$addToSet') },
  { name: '$pull and $pullAll', mongodb: 'a condition of members is about elements that are objects; arrays are compared as a whole',
    link: 'reference/operator/update/pull/', applies: uses('$pull', '$pullAll') },
  { name: '$min and $max', mongodb: 'by the order of all types', link: 'reference/operator/update/min/#behavior', applies: uses('$min', '$max') },
  { name: '$bit beyond 32 bits', mongodb: 'of int and long alike', link: 'reference/operator/update/bit/', applies: uses('$bit') },
];

// One row is enough: a change is one document.
function causesOfChange(d) {
  const row = changes.find((r) => r.applies(d));
  return row ? [row] : [];
}

// The one difference that is ours: what no later stage reads, and documents that
// a later $match or $limit leaves out, need not be computed, hence their errors
// do not come up.  MongoDB's manual promises neither; MongoDB refuses.
const unread = { name: 'an error in what no later stage reads', mongodb: 'refuses the whole pipeline; the daemon answers',
  link: 'core/aggregation-pipeline-optimization/#projection-optimization' };

// The corrections that the pipeline has use for.
function causesOfPipeline({ pipeline, ours, corrected }) {
  const text = JSON.stringify(pipeline);
  const rows = corrections.filter((c) => c.operators.some((name) => text.includes(`"${name}"`)));
  return ours.error === undefined && typeof corrected() === 'string' ? [unread] : rows;
}

export const causes = { find: causesOfFind, update: causesOfChange, aggregate: causesOfPipeline };
