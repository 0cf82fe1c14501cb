// Documents whose members overlap in names and types enough that conditions on
// them are often true and often not.

const words = ['', 'a', 'ab', 'abc', 'b', 'B', 'zz', '10', 'ä', 'a b', '中'];
const day = 86400000;

export function makeValues(r) {
  const number = () => r.weighed([[6, r.int(-3, 9)], [1, r.int(-3, 9) / 2], [1, r.int(1, 9) * 1000000007]]);
  const scalar = () => r.weighed([[8, number], [5, () => r.one(words)], [2, () => r.once(2)], [2, () => null],
    [2, () => new Date(day * r.int(0, 5))]])();
  const numbers = (n = 5) => r.some(0, n, number);
  const list = () => r.weighed([[4, numbers], [3, () => r.some(0, 4, () => r.one(words))], [2, () => r.some(0, 4, scalar)],
    [1, () => r.some(0, 3, () => r.weighed([[2, numbers], [1, scalar]])())]])();
  const small = () => ({ ...(r.once(8) ? {} : { k: scalar() }), ...(r.once(2) ? { v: number() } : {}) });
  // Members stand in alphabetical order: it counts in MongoDB's comparison of
  // objects, and the daemon does not keep another.
  const object = () => ({ ...(r.once(8) ? {} : { k: scalar() }), ...(r.once(2) ? { p: { q: scalar() } } : {}),
    ...(r.once(3) ? { t: list() } : {}), ...(r.once(2) ? { v: number() } : {}) });
  const objects = () => r.some(0, 4, () => (r.once(9) ? scalar() : { ...small(), ...(r.once(3) ? { w: numbers(3) } : {}) }));
  const any = () => r.weighed([[4, scalar], [2, list], [2, object], [1, objects]])();
  return { number, scalar, numbers, list, small, object, objects, any };
}

// One field in eight is missing; one in twelve is of any type, but for a tidy
// document.
export function makeDocument(r, id, tidy = false) {
  const values = makeValues(r);
  const member = (name, make) => (r.once(8) ? {} : { [name]: (!tidy && r.once(12) ? values.any : make)() });
  return {
    _id: id,
    ...member('n', values.number),
    ...member('m', () => r.int(-3, 9)),
    ...member('s', () => r.one(words)),
    ...member('b', () => r.once(2)),
    ...member('d', () => new Date(day * r.int(0, 5))),
    ...member('t', values.list),
    ...member('o', values.object),
    ...member('l', values.objects),
    ...member('x', values.any),
  };
}

export const paths = ['n', 'm', 's', 'b', 'd', 't', 'o', 'l', 'x', 'n', 's', 't', 'o.k', 'o.v', 'o.p', 'o.p.q', 'o.t', 'l.k', 'l.v',
  'l.w', 'x.k', 't.0', 't.2', 'l.0', 'l.0.k', 'l.1.v', 'o.t.0', 'no', 'o.no', 'l.no', 's.no'];

// What stands at a path in one of the documents, or a value of chance: so that
// conditions are about something.
export function valueAt(r, docs, path) {
  const values = makeValues(r);
  if (r.once(4)) return values.any();
  const found = [];
  const walk = (v, steps) => {
    if (steps.length === 0) {
      if (v !== undefined) found.push(v);
      if (Array.isArray(v)) found.push(...v);
    } else if (Array.isArray(v)) {
      if (/^\d+$/.test(steps[0])) walk(v[Number(steps[0])], steps.slice(1));
      v.forEach((e) => e && typeof e === 'object' && !Array.isArray(e) && walk(e, steps));
    } else if (v && typeof v === 'object' && !(v instanceof Date)) {
      walk(v[steps[0]], steps.slice(1));
    }
  };
  walk(r.one(docs), path.split('.'));
  return found.length ? r.one(found) : values.scalar();
}
