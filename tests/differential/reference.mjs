// A third opinion on finds, for where the other two differ: MongoDB's rules,
// slow and plain.  Paths as src/mongo/db/matcher/path_test.cpp of MongoDB's
// repository has them, the rest as the manual's pages on query predicates,
// "Comparison/Sort Order" and projection.

import { canonical } from './values.mjs';

const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v) && !(v instanceof Date) && !(v instanceof RegExp);
const same = (a, b) => canonical(a) === canonical(b);

// What a path reaches, undefined where something is missing.  deep: the
// elements of an array at the end too, and then the array.
function* reach(doc, steps, deep = true) {
  let v = doc;
  for (let i = 0; i < steps.length; i++) {
    v = isObject(v) && Object.hasOwn(v, steps[i]) ? v[steps[i]] : undefined;
    if (v === undefined) break;
    if (Array.isArray(v)) {
      yield* reachIn(v, steps.slice(i + 1), deep);
      return;
    }
  }
  yield v;
}

function* reachIn(list, rest, deep) {
  if (rest.length === 0) {
    if (deep) yield* list;
    yield list;
    return;
  }
  for (const [i, e] of list.entries()) {
    if (isObject(e)) yield* reach(e, rest, deep);
    if (rest[0] !== String(i)) continue;
    if (rest.length === 1) yield e; // named by its number: not entered
    else if (isObject(e)) yield* reach(e, rest.slice(1), deep);
    else if (Array.isArray(e)) yield* reachIn(e, rest.slice(1), deep);
  }
}

// The order of all types; a bracket is what $gt and its like stay in.
export function bracket(v) {
  if (v === undefined || v === null) return 1;
  if (typeof v === 'number') return 2;
  if (typeof v === 'string') return 3;
  if (Array.isArray(v)) return 5;
  if (v instanceof Date) return 9;
  if (v instanceof RegExp) return 11;
  return typeof v === 'boolean' ? 8 : 4;
}

export function compare(a, b) {
  if (bracket(a) !== bracket(b)) return bracket(a) - bracket(b);
  switch (bracket(a)) {
    case 1: return 0;
    case 3: return Buffer.compare(Buffer.from(a), Buffer.from(b));
    case 4: {
      const [x, y] = [a, b].map((o) => Object.entries(o).filter(([, v]) => v !== undefined));
      for (let i = 0; i < Math.min(x.length, y.length); i++) {
        const c = bracket(x[i][1]) - bracket(y[i][1]) || Buffer.compare(Buffer.from(x[i][0]), Buffer.from(y[i][0])) || compare(x[i][1], y[i][1]);
        if (c) return c;
      }
      return x.length - y.length;
    }
    case 5:
      for (let i = 0; i < Math.min(a.length, b.length); i++) {
        const c = compare(a[i], b[i]);
        if (c) return c;
      }
      return a.length - b.length;
    default: return Number(a) - Number(b);
  }
}

const typeNames = { 1: ['null'], 3: ['string'], 4: ['object'], 5: ['array'], 8: ['bool'], 9: ['date'], 11: ['regex'] };
function typesOf(v) {
  if (v === undefined) return [];
  if (bracket(v) !== 2) return typeNames[bracket(v)];
  const whole = Number.isInteger(v);
  return ['number', whole && Math.abs(v) < 2 ** 31 ? 'int' : whole ? 'long' : 'double'];
}

const relations = { $gt: (c) => c > 0, $gte: (c) => c >= 0, $lt: (c) => c < 0, $lte: (c) => c <= 0 };

// Conditions on one value: {deep, test} with what it looks at.
const tests = {
  $eq: (x) => (v) => (x === null ? v === null || v === undefined : v !== undefined && same(v, x)),
  $in: (list) => (v) => list.some((x) => (x instanceof RegExp ? typeof v === 'string' && x.test(v) : tests.$eq(x)(v))),
  $exists: (yes) => (v) => (v !== undefined) === Boolean(yes),
  $type: (names) => (v) => [].concat(names).some((name) => typesOf(v).includes(name)),
  $mod: ([d, m]) => (v) => typeof v === 'number' && Math.trunc(v) % d === m,
  $regex: (pattern, { $options = '' }) => (v) => typeof v === 'string' && new RegExp(pattern, $options.replace('x', '')).test(v),
  $size: (n) => (v) => Array.isArray(v) && v.length === n,
  $elemMatch: (inner) => (v) => Array.isArray(v) && v.some((e) => (isElement(inner) ? everySingle(inner, e)
    : (isObject(e) || Array.isArray(e)) && matches({ ...e }, inner))),
};
for (const [op, holds] of Object.entries(relations))
  tests[op] = (x) => (v) => (x === null ? op.endsWith('e') && (v === null || v === undefined)
    : v !== undefined && bracket(v) === bracket(x) && holds(compare(v, x)));
const whole = ['$size', '$elemMatch']; // look at arrays, not into them
const negated = { $ne: '$eq', $nin: '$in' };

const isOperators = (v) => isObject(v) && Object.keys(v)[0]?.startsWith('$');
const isElement = (v) => isOperators(v) && !['$and', '$or', '$nor'].includes(Object.keys(v)[0]);

// {$op: …} about the value itself, as $elemMatch's operators are.
function everySingle(condition, v) {
  return Object.entries(condition).every(([op, x]) => {
    if (op === '$options') return true;
    if (op === '$not') return !everySingle(x, v);
    if (op === '$all') return x.length > 0 && x.every((y) => tests.$eq(y)(v));
    if (negated[op]) return !tests[negated[op]](x)(v);
    return tests[op](x, condition)(v);
  });
}

function holdsAt(doc, path, condition) {
  if (condition instanceof RegExp) return holdsAt(doc, path, { $regex: condition.source, $options: condition.flags });
  if (!isOperators(condition)) return holdsAt(doc, path, { $eq: condition });
  const steps = path.split('.');
  return Object.entries(condition).every(([op, x]) => {
    if (op === '$options') return true;
    if (op === '$not') return !holdsAt(doc, path, x);
    if (op === '$all') return x.length > 0 && x.every((y) => holdsAt(doc, path, isObject(y) && y.$elemMatch ? y : { $eq: y }));
    if (negated[op]) return !holdsAt(doc, path, { [negated[op]]: x });
    if (op === '$exists' && !x) return !holdsAt(doc, path, { $exists: true });
    const test = tests[op](x, condition);
    for (const v of reach(doc, steps, !whole.includes(op))) if (test(v)) return true;
    return false;
  });
}

export function matches(doc, query) {
  return Object.entries(query).every(([key, x]) => {
    if (key === '$and') return x.every((q) => matches(doc, q));
    if (key === '$or') return x.some((q) => matches(doc, q));
    if (key === '$nor') return !x.some((q) => matches(doc, q));
    return holdsAt(doc, key, x);
  });
}

// What a path sorts by: null for what is missing, less than that for an empty
// array.
const EMPTY = Symbol('empty array');
function keysAt(v, steps) {
  for (let i = 0; i < steps.length; i++) {
    if (Array.isArray(v)) {
      if (v.length === 0) return [null];
      if (/^\d+$/.test(steps[i]) && !v.some((e) => isObject(e) && Object.hasOwn(e, steps[i]))) return keysAt(v[steps[i]], steps.slice(i + 1));
      return v.flatMap((e) => keysAt(isObject(e) ? e : undefined, steps.slice(i)));
    }
    v = isObject(v) && Object.hasOwn(v, steps[i]) ? v[steps[i]] : undefined;
  }
  if (!Array.isArray(v)) return [v ?? null];
  return v.length ? v : [EMPTY];
}
const compareKeys = (a, b) => (a === EMPTY ? (b === EMPTY ? 0 : -1) : b === EMPTY ? 1 : compare(a, b));

// Does the path meet an array in this document?
export function crosses(doc, path) {
  let v = doc;
  for (const step of path.split('.')) {
    if (Array.isArray(v)) return true;
    v = isObject(v) ? v[step] : undefined;
  }
  return Array.isArray(v);
}

function sorted(docs, order) {
  const parts = Object.entries(order);
  const keyed = docs.map((doc) => ({ doc, keys: parts.map(([path, way]) =>
    keysAt(doc, path.split('.')).reduce((a, b) => (compareKeys(a, b) * way <= 0 ? a : b))) }));
  keyed.sort((a, b) => {
    for (const [i, [, way]] of parts.entries()) {
      const c = compareKeys(a.keys[i], b.keys[i]) * way;
      if (c) return c;
    }
    return 0;
  });
  return keyed.map((k) => k.doc);
}

function pick(v, tree) {
  if (tree === true) return v;
  if (Array.isArray(v)) return v.map((e) => pick(e, tree)).filter((e) => e !== undefined);
  if (!isObject(v)) return undefined;
  return Object.fromEntries(Object.entries(v).filter(([k]) => Object.hasOwn(tree, k)).map(([k, x]) => [k, pick(x, tree[k])])
    .filter(([, x]) => x !== undefined));
}

function omit(v, tree) {
  if (Array.isArray(v)) return v.map((e) => omit(e, tree));
  if (!isObject(v)) return v;
  return Object.fromEntries(Object.entries(v).filter(([k]) => tree[k] !== true)
    .map(([k, x]) => [k, Object.hasOwn(tree, k) ? omit(x, tree[k]) : x]));
}

function slice(v, by) {
  if (!Array.isArray(v)) return v;
  const [skip, limit] = Array.isArray(by) ? by : [by < 0 ? by : 0, Math.abs(by)];
  const from = skip < 0 ? Math.max(v.length + skip, 0) : skip;
  return v.slice(from, from + limit);
}

export function project(doc, projection) {
  const special = (f) => isObject(projection[f]);
  const fields = Object.keys(projection).filter((f) => f !== '_id');
  const has = (name) => fields.some((f) => special(f) && projection[f][name] !== undefined);
  const plain = fields.filter((f) => !special(f));
  // What neither 1 nor 0 says, src/mongo/db/query/projection_parser.cpp does.
  const picks = plain.length ? Boolean(projection[plain[0]]) : has('$slice') ? projection._id === 1 : has('$elemMatch') || projection._id === 1;
  const tree = {};
  for (const f of fields) {
    if (special(f) && !picks) continue;
    let at = tree;
    const steps = f.split('.');
    steps.forEach((step, i) => { at = at[step] ??= i + 1 === steps.length ? true : {}; });
  }
  if (picks ? projection._id !== 0 : projection._id === 0) tree._id = true;
  const out = picks ? pick(doc, tree) : omit(doc, tree);
  for (const f of fields.filter(special)) {
    if (projection[f].$slice !== undefined && out[f] !== undefined) out[f] = slice(doc[f], projection[f].$slice);
    if (!projection[f].$elemMatch) continue;
    const found = Array.isArray(doc[f]) ? doc[f].filter((e) => matches({ e: [e] }, { e: { $elemMatch: projection[f].$elemMatch } })) : [];
    if (found.length) out[f] = [found[0]];
    else delete out[f];
  }
  return out;
}

export function find(docs, { query, order, projection, skip = 0, limit = docs.length }) {
  let found = docs.filter((doc) => matches(doc, query));
  if (order) found = sorted(found, order);
  found = found.slice(skip, skip + limit);
  return projection ? found.map((doc) => project(doc, projection)) : found;
}
