// Conditions, orders, projections.

import { makeValues, paths, valueAt } from './documents.mjs';

const types = ['double', 'string', 'object', 'array', 'bool', 'date', 'null', 'int', 'number', 'long'];

export function makeCondition(r, docs, path, deep = 0) {
  const values = makeValues(r);
  const value = () => valueAt(r, docs, path);
  const plain = () => { // what order means something for
    const v = value();
    return v === null || typeof v !== 'object' || v instanceof Date ? v : values.scalar();
  };
  return r.weighed([
    [10, value],
    [4, () => ({ $eq: value() })],
    [3, () => ({ $ne: value() })],
    [4, () => ({ $gt: plain() })],
    [4, () => ({ $gte: plain() })],
    [4, () => ({ $lt: plain() })],
    [4, () => ({ $lte: plain() })],
    [4, () => ({ $gt: values.number(), $lte: values.number() })],
    [5, () => ({ $in: r.some(0, 4, value) })],
    [3, () => ({ $nin: r.some(0, 3, value) })],
    [3, () => ({ $exists: r.once(2) })],
    [3, () => ({ $type: r.once(3) ? r.sample(types, 2) : r.one(types) })],
    [2, () => ({ $size: r.int(0, 4) })],
    [2, () => ({ $mod: [r.int(1, 5), r.int(0, 3)] })],
    [2, () => ({ $all: r.some(1, 2, value) })],
    [3, () => ({ $regex: r.one(['^a', 'b$', 'a', '^[ab]+$', 'B', '\\d', '^$', 'a.c']), ...(r.once(3) ? { $options: 'i' } : {}) })],
    [deep < 2 ? 2 : 0, () => ({ $not: makeOperators(r, docs, path, deep + 1) })],
    [deep < 2 ? 4 : 0, () => ({ $elemMatch: makeElement(r, docs, path, deep + 1) })],
  ])();
}

// Only {$op: …}, as $not and $elemMatch take it.
function makeOperators(r, docs, path, deep) {
  for (;;) {
    const c = makeCondition(r, docs, path, deep);
    if (c && typeof c === 'object' && Object.keys(c)[0]?.startsWith('$')) return c;
  }
}

export function makeElement(r, docs, path, deep) {
  if (path.startsWith('l') || r.once(6))
    return Object.fromEntries(r.sample(['k', 'v', 'w', 'no'], r.int(1, 2)).map((k) => [k, makeCondition(r, docs, `${path}.${k}`, deep)]));
  return makeOperators(r, docs, path, deep);
}

export function makeQuery(r, docs, deep = 0) {
  const query = {};
  for (let i = r.int(0, 2); i >= 0; i--) {
    const [what, make] = r.weighed([
      [12, (() => { const path = r.one(paths); return [path, () => makeCondition(r, docs, path)]; })()],
      [deep < 2 ? 1 : 0, ['$and', () => r.some(1, 3, () => makeQuery(r, docs, deep + 1))]],
      [deep < 2 ? 2 : 0, ['$or', () => r.some(1, 3, () => makeQuery(r, docs, deep + 1))]],
      [deep < 2 ? 1 : 0, ['$nor', () => r.some(1, 2, () => makeQuery(r, docs, deep + 1))]],
      [1, ['_id', () => r.weighed([[2, () => r.one(docs)._id], [1, () => ({ $gt: r.one(docs)._id })],
        [1, () => ({ $in: r.some(1, 5, () => r.one(docs)._id) })]])()]],
    ]);
    query[what] = make();
    if (!r.once(3)) break;
  }
  return query;
}

export function makeOrder(r) {
  return Object.fromEntries(r.sample(paths, r.int(1, 3)).map((path) => [path, r.one([1, -1])]));
}

// Paths of which none leads to another.
export function apart(list) {
  return list.filter((p, i) => list.every((q, k) => k === i || !(`${p}.`.startsWith(`${q}.`) && (p !== q || k < i))
    && !`${q}.`.startsWith(`${p}.`) || (p === q && k > i)));
}

export function makeProjection(r, docs) {
  const fields = apart(r.sample(['n', 's', 'b', 'd', 't', 'o', 'l', 'x', 'o.k', 'o.p.q', 'l.k', 'l.v', 'x.k', 'o.t', 'no', 'o.no'], r.int(1, 4)));
  const yes = r.once(2) ? 1 : 0;
  const projection = Object.fromEntries(fields.map((f) => [f, yes]));
  if (r.once(3)) projection._id = r.one([0, 1, yes]);
  if (r.once(5) && !fields.includes('t')) projection.t = { $slice: r.weighed([[2, r.int(-3, 3)], [1, [r.int(-3, 3), r.int(1, 3)]]]) };
  if (r.once(8) && yes && !fields.some((f) => f.startsWith('l'))) projection.l = { $elemMatch: makeElement(r, docs, 'l', 1) };
  return projection;
}

export function makeFind(r, docs) {
  return {
    kind: 'find',
    query: makeQuery(r, docs),
    ...(r.once(2) ? { order: makeOrder(r) } : {}),
    ...(r.once(3) ? { projection: makeProjection(r, docs) } : {}),
    ...(r.once(8) ? { skip: r.int(1, 5) } : {}),
    ...(r.once(8) ? { limit: r.int(1, 20) } : {}),
  };
}
