// Changes of one document, with the condition that finds it.

import { makeValues, valueAt } from './documents.mjs';
import { apart, makeElement } from './queries.mjs';

const targets = {
  any: ['n', 'm', 's', 'b', 'd', 'x', 'new', 'o.k', 'o.p.q', 'o.new.deep', 't.0', 't.1', 't.6', 'l.0.k', 'l.0.new', 'o.k', 'o.new', 'n', 'm', 's', 'd', 'x', 'new', 'x.k', 's.k', 'o', 't', 'l'],
  number: ['n', 'n', 'm', 'm', 'm', 'o.v', 'o.v', 'o.new', 'new', 'new', 'n', 'm', 'l.0.v', 't.0', 's', 'x'],
  list: ['t', 't', 't', 't', 'l', 'l', 'l', 'o.t', 'o.t', 'new', 'new', 'o.new', 'o.new', 'l.0.w', 's', 'x'],
};

export function makeUpdate(r, docs, doc) {
  const values = makeValues(r);
  const update = {};
  const used = [];
  const free = (path) => {
    if (apart([...used, path]).length !== used.length + 1) return false;
    used.push(path);
    return true;
  };
  const put = (op, path, v) => { if (free(path)) (update[op] ??= {})[path] = v; };
  const element = (path) => (r.once(2) ? valueAt(r, [doc], path) : path.startsWith('l') ? values.small() : values.scalar());
  const each = (path) => ({
    $each: r.some(0, 3, () => element(path)),
    ...(r.once(3) ? { $position: r.int(-3, 4) } : {}),
    ...(r.once(3) ? { $slice: r.int(-4, 5) } : {}),
    ...(r.once(3) ? { $sort: path === 'l' ? { [r.one(['k', 'v'])]: r.one([1, -1]) } : r.one([1, -1]) } : {}),
  });
  const kinds = [
    [6, () => put('$set', r.one(targets.any), values.any())],
    [3, () => put('$unset', r.one(targets.any), '')],
    [5, () => put('$inc', r.one(targets.number), values.number())],
    [3, () => put('$mul', r.one(targets.number), values.number())],
    [2, () => put('$min', r.one(targets.number), values.scalar())],
    [2, () => put('$max', r.one(targets.number), values.scalar())],
    [2, () => put('$bit', r.one(targets.number), { [r.one(['and', 'or', 'xor'])]: r.int(0, 15) })],
    [3, () => { const p = r.one(targets.list); put('$push', p, element(p)); }],
    [4, () => { const p = r.one(targets.list); put('$push', p, each(p)); }],
    [3, () => put('$pop', r.one(targets.list), r.one([1, -1]))],
    [2, () => { const p = r.one(targets.list); put('$pull', p, element(p)); }],
    [4, () => { const p = r.one(targets.list); put('$pull', p, makeElement(r, docs, p, 1)); }],
    [2, () => { const p = r.one(targets.list); put('$pullAll', p, r.some(0, 3, () => element(p))); }],
    [3, () => { const p = r.one(targets.list);
      put('$addToSet', p, r.once(2) ? element(p) : { $each: r.some(0, 3, () => element(p)) }); }],
    [2, () => { const [a, b] = [r.one(['n', 's', 'o.k', 'o.p', 'l', 'no']), r.one(['new', 'o.new', 'b', 'new.deep'])];
      if (free(a) && free(b)) (update.$rename ??= {})[a] = b; }],
  ];
  for (let i = r.int(1, 3); i > 0; i--) r.weighed(kinds)();
  return Object.keys(update).length ? update : makeUpdate(r, docs, doc);
}

// $, $[] and $[e]: a change of elements of an array that the document has.
export function makePlaced(r, docs, doc) {
  const values = makeValues(r);
  const list = r.one(['t', 'l', 'l']);
  const rest = list === 'l' ? r.one(['.k', '.v', '.new', '']) : '';
  const way = r.one(['$', '$[]', '$[e]']);
  const op = r.weighed([
    [4, ['$set', () => values.scalar()]],
    [3, ['$inc', () => r.int(1, 5)]],
    [1, ['$unset', () => '']],
    [1, ['$mul', () => r.int(2, 3)]],
    [1, ['$max', () => values.number()]],
  ]);
  const update = { [op[0]]: { [`${list}.${way}${rest}`]: op[1]() } };
  if (r.once(4)) (update.$set ??= {})[r.one(['n', 's'])] = values.scalar();
  const inner = makeElement(r, docs, list, 1);
  const about = (name) => (Object.keys(inner)[0].startsWith('$') ? { [name]: inner }
    : Object.fromEntries(Object.entries(inner).map(([k, v]) => [`${name}.${k}`, v])));
  return {
    update,
    query: way === '$' ? { [list]: r.once(2) ? { $elemMatch: inner } : valueAt(r, [doc], list) } : {},
    ...(way === '$[e]' ? { arrayFilters: [about('e')] } : {}),
  };
}

// `id`: of the document of its own that the case changes.
export function makeChange(r, docs, id) {
  const before = { ...r.one(docs), _id: id };
  const made = r.once(4) ? makePlaced(r, docs, before) : { update: makeUpdate(r, docs, before), query: {} };
  return { kind: 'update', before, ...made, query: { _id: id, ...made.query } };
}
