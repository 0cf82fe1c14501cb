// A third opinion on changes: the manual's pages on update operators; for what
// is refused also src/mongo/db/update/*_test.cpp of MongoDB's repository.

import { bracket, compare, matches } from './reference.mjs';
import { canonical, copy } from './values.mjs';

const same = (a, b) => canonical(a) === canonical(b);
const isObject = (v) => bracket(v) === 4 && v !== undefined;
const lists = ['$push', '$addToSet', '$pull', '$pullAll', '$pop'];

// The values at a place, with $ as the number that `matched` says; {old} or
// {bad: true} where none can be.
function* places(v, steps, one) {
  if (steps.length === 0) {
    yield { old: v };
    return;
  }
  const [step, ...rest] = steps;
  if (step === '$' || step.startsWith('$[')) {
    if (!Array.isArray(v)) { yield { bad: true }; return; }
    const chosen = step === '$' ? [one.matched] : v.map((_, i) => i).filter((i) => step === '$[]' || one.fits(v[i]));
    if (chosen.includes(undefined)) { yield { bad: true }; return; }
    for (const i of chosen) yield* places(v[i], rest, one);
  } else if (v === undefined || isObject(v)) {
    yield* places(v?.[step], rest, one);
  } else if (Array.isArray(v) && /^(0|[1-9]\d*)$/.test(step)) {
    yield* places(v[step], rest, one);
  } else {
    yield { bad: true };
  }
}

// Must MongoDB refuse it?
export function refuses({ before, update, query, arrayFilters }) {
  if (!matches(before, query)) return false;
  const one = chosenBy(before, query, arrayFilters);
  return Object.entries(update).some(([op, fields]) => Object.entries(fields).some(([path, x]) => {
    const steps = path.split('.');
    if (op === '$rename') return refusesRename(before, steps, x.split('.'), one);
    return [...places(before, steps, one)].some(({ old, bad }) => {
      if (bad) return !['$unset', '$pop', '$pull', '$pullAll'].includes(op) || steps.some((s) => s.startsWith('$'));
      if (old === undefined) return false;
      if (op === '$inc' || op === '$mul') return typeof old !== 'number';
      if (op === '$bit') return !Number.isInteger(old);
      return lists.includes(op) && !Array.isArray(old);
    });
  }));
}

const chosenBy = (before, query, arrayFilters) =>
  ({ fits: (e) => matches({ e }, arrayFilters[0]), matched: matchedAt(before, query) });

function refusesRename(before, from, to, one) {
  const [source] = places(before, from, one);
  if (source.bad || source.old === undefined) return false;
  const throughArray = (steps) => steps.some((_, i) => i && [...places(before, steps.slice(0, i), one)].some((p) => Array.isArray(p.old)));
  return throughArray(from) || throughArray(to) || [...places(before, to, one)].some((p) => p.bad);
}

// The element that $ means: the first that the only condition on an array fits.
function matchedAt(before, query) {
  const entry = Object.entries(query).find(([k]) => k !== '_id');
  if (!entry || !Array.isArray(before[entry[0]])) return undefined;
  const [name, x] = entry;
  const list = before[name];
  const found = isObject(x) && x.$elemMatch ? list.findIndex((e) => matches({ e: [e] }, { e: x })) : list.findIndex((e) => same(e, x));
  return found < 0 ? undefined : found;
}

// $push with its modifiers.
function push(old, { $each, $position, $slice, $sort }) {
  const list = [...(old ?? [])];
  const at = $position === undefined ? list.length : $position < 0 ? Math.max(list.length + $position, 0) : $position;
  list.splice(at, 0, ...$each);
  if ($sort !== undefined) {
    const by = typeof $sort === 'object' ? Object.entries($sort) : null;
    list.sort((a, b) => (by ? by.reduce((c, [k, way]) => c || compare(isObject(a) ? a[k] : undefined, isObject(b) ? b[k] : undefined) * way, 0)
      : compare(a, b) * $sort));
  }
  return $slice === undefined ? list : $slice >= 0 ? list.slice(0, $slice) : list.slice($slice);
}

// What an operator makes of a value; undefined leaves the place as it is.
const pulls = (e, x) => {
  if (x instanceof RegExp) return typeof e === 'string' && x.test(e);
  if (!isObject(x)) return same(e, x);
  const first = Object.keys(x)[0];
  if (first?.startsWith('$') && !['$and', '$or', '$nor'].includes(first)) return matches({ e }, { e: x });
  return isObject(e) && matches(e, x);
};
const bits = { and: (a, b) => a & b, or: (a, b) => a | b, xor: (a, b) => a ^ b };
const makes = {
  $set: (old, x) => x,
  $inc: (old, x) => (old ?? 0) + x,
  $mul: (old, x) => (old ?? 0) * x,
  $min: (old, x) => (old === undefined || compare(x, old) < 0 ? x : old),
  $max: (old, x) => (old === undefined || compare(x, old) > 0 ? x : old),
  $bit: (old, x) => Object.entries(x).reduce((v, [how, mask]) => Number(BigInt.asIntN(64, bits[how](BigInt(v), BigInt(mask)))), old ?? 0),
  $push: (old, x) => push(old, x?.$each ? x : { $each: [x] }),
  $pop: (old, x) => old && (x < 0 ? old.slice(1) : old.slice(0, -1)),
  $pull: (old, x) => old?.filter((e) => !pulls(e, x)),
  $pullAll: (old, x) => old?.filter((e) => !x.some((y) => same(e, y))),
  $addToSet: (old, x) => (x?.$each ?? [x]).reduce((list, y) => (list.some((e) => same(e, y)) ? list : [...list, y]), old ?? []),
};

// `change` of what stands at a place, in `v`, which is the caller's own.
function changed(v, steps, one, change) {
  if (steps.length === 0) return change(v);
  const [step, ...rest] = steps;
  if (step.startsWith('$')) return v.map((e, i) => ((step === '$' ? i === one.matched : step === '$[]' || one.fits(e)) ? changed(e, rest, one, change) : e));
  const at = changed(v?.[step], rest, one, change);
  if (at === undefined) return v;
  const to = v === undefined ? {} : v;
  if (Array.isArray(to)) while (to.length < Number(step)) to.push(null);
  to[step] = at;
  return to;
}

const parentOf = (v, steps) => steps.slice(0, -1).reduce((at, step) => at?.[step], v);
function take(doc, steps) {
  const parent = parentOf(doc, steps);
  const last = steps.at(-1);
  const old = parent?.[last];
  if (old === undefined || typeof parent !== 'object') return undefined;
  if (Array.isArray(parent)) parent[last] = null;
  else delete parent[last];
  return old;
}

// The document after a change that is not refused.
export function update({ before, update: change, query, arrayFilters }) {
  let doc = copy(before);
  if (!matches(before, query)) return { matched: 0, after: doc };
  const one = chosenBy(before, query, arrayFilters);
  for (const [op, fields] of Object.entries(change))
    for (const [path, x] of Object.entries(fields)) {
      const steps = path.split('.');
      const arrays = steps.some((s) => s.startsWith('$'));
      if (op === '$rename') {
        const moved = take(doc, steps);
        if (moved !== undefined) doc = changed(doc, x.split('.'), one, () => moved);
      } else if (op === '$unset' && !arrays) {
        take(doc, steps);
      } else if (op === '$unset') {
        doc = changed(doc, steps.slice(0, -1), one, (e) => {
          const last = steps.at(-1);
          if (last.startsWith('$')) return e.map((y, i) => ((last === '$' ? i === one.matched : last === '$[]' || one.fits(y)) ? null : y));
          if (isObject(e)) delete e[last];
          return e;
        });
      } else {
        doc = changed(doc, steps, one, (old) => makes[op](old, copy(x)));
      }
    }
  return { matched: 1, after: doc };
}
