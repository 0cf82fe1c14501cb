// Rules, callers, documents and changes of chance, from names and values few
// enough that rules are often true and often not.

const words = ['a', 'b', 'c', 'alice', 'bob', 'u3', '5f0000000000000000000001', ''];
const day = (n) => new Date(86400000 * n);

export const callers = [
  { openid: 'alice', uid: 'u1', loginType: 'WECHAT' },
  { openid: 'bob', uid: 'u2', loginType: 'WECHAT', custom: { team: 'a', level: 2, none: null } },
  { openid: 'u3', uid: 'u3', loginType: 'ANONYMOUS' },
  { openid: 'u4', uid: 'u4', loginType: 'CUSTOM', custom: { team: 'b', list: ['a', 'b'] } },
  null,
];

// What a rule sees of a caller.
export const authOf = (caller) => caller && {
  ...(caller.openid !== caller.uid ? { openid: caller.openid } : {}),
  uid: caller.uid,
  ...(caller.loginType !== 'WECHAT' ? { loginType: caller.loginType } : {}),
  ...(caller.custom ? { custom: caller.custom } : {}),
};

export function makeGenerator(r) {
  const number = () => r.one([0, 1, 2, 2, 3, 1.5, -1]);
  const scalar = () => r.weighed([[5, number], [6, () => r.one(words)], [2, () => r.once(2)], [2, () => null],
    [1, () => day(r.int(0, 3))]])();
  const list = () => r.some(0, 3, () => r.weighed([[4, () => r.one(words)], [1, scalar]])());
  const any = () => r.weighed([[6, scalar], [2, list], [1, () => ({ k: scalar() })]])();

  const member = (name, make) => (r.once(5) ? {} : { [name]: (r.once(8) ? any : make)() });
  const document = (id) => ({
    _id: id,
    ...member('_openid', () => r.one(['alice', 'bob', 'u3'])),
    ...member('owner', () => r.one(['alice', 'bob', 'u1', 'u3'])),
    ...member('n', number),
    ...member('m', number),
    ...member('s', () => r.one(words)),
    ...member('b', () => r.once(2)),
    ...member('d', () => day(r.int(0, 3))),
    ...member('l', list),
    ...member('o', () => ({ ...member('k', () => r.one(words)), ...member('u1', scalar), ...member('p', () => ({ q: scalar() })) })),
    ...member('t', () => r.some(0, 2, () => ({ k: scalar() }))),
    ...member('ref', () => r.one(['r1', 'r2', 'r3', 'gone', 1])),
  });

  const refs = () => Object.fromEntries(['r1', 'r2', 'r3', '1'].map((id) => [id, { _id: id,
    ...member('role', () => r.one(words)), ...member('next', () => r.one(['r1', 'r2', 'gone'])), ...member('list', list),
    ...member('n', number), ...member('by', () => ({ u1: number(), u3: number() })) }]));

  const path = () => r.one([['_id'], ['_openid'], ['owner'], ['owner'], ['n'], ['m'], ['s'], ['b'], ['d'], ['l'], ['o'],
    ['o', 'k'], ['o', 'p', 'q'], ['t', '0', 'k'], ['l', '0'], ['t', '1'], ['no'], ['no', 'x'], ['s', 'x'], ['d', 'x'], ['ref']]);
  const doc = () => ({ is: 'doc', steps: r.weighed([[9, path], [1, () => ['o', r.one([{ is: 'auth', steps: ['uid'] },
    { is: 'doc', steps: ['s'] }])]], [1, () => ['l', { is: 'doc', steps: ['n'] }]]])() });
  const auth = () => ({ is: 'auth', steps: r.one([[], ['openid'], ['openid'], ['uid'], ['uid'], ['loginType'], ['custom', 'team'],
    ['custom', 'level'], ['custom', 'list'], ['custom', 'none'], ['custom', 'no', 'x']]) });
  const data = () => ({ is: 'data', steps: r.weighed([[9, () => r.one([['n'], ['n'], ['s'], ['o'], ['o', 'k'], ['o', 'p', 'q'], ['l'], ['d'],
    ['b'], ['no'], ['c'], ['owner'], ['_openid'], ['t', '0', 'k']])], [1, () => []]])() });
  const literal = () => (r.once(8) ? { is: 'undefined' } : { is: 'literal', v: r.once(12) ? null : r.weighed([[3, number], [4, () => r.one(words)], [1, () => r.once(2)]])() });
  const get = (deep) => ({ is: 'get', collection: 'refs', id: r.weighed([[4, () => [{ is: 'doc', steps: ['ref'] }]],
    [1, () => [r.one(['r1', 'r2', 'gone'])]], [1, () => ['r', { is: 'doc', steps: ['n'] }]], [deep ? 0 : 1, () => [get(true)]]])(),
  steps: r.weighed([[2, () => ['role']], [2, () => ['list']], [1, () => ['n']], [deep ? 9 : 1, () => ['next']], [1, () => ['no']],
    [1, () => ['by', { is: 'auth', steps: ['uid'] }]], [deep ? 0 : 1, () => []]])() });
  const template = () => ({ is: 'template', parts: r.some(1, 2, () => r.weighed([[2, () => r.one(words.slice(0, 5))],
    [1, () => ({ is: 'doc', steps: r.one([['s'], ['n'], ['no']]) })], [1, () => ({ is: 'auth', steps: ['uid'] })]])()) });

  // gets: how many get() are left to the expression.
  const value = (left, act) => r.weighed([[8, doc], [4, auth], [5, literal], [act === 'read' ? 1 : 5, data],
    [left.gets > 0 ? 3 : 0, () => { left.gets -= 2; return get(left.gets < 0); }], [1, template], [1, () => ({ is: 'now' })]])();
  const operand = (left, act) => (r.once(14) ? { is: 'pick', c: condition(left, act, 3), a: value(left, act), b: value(left, act) }
    : value(left, act));
  const listOf = (left, act) => r.weighed([[2, () => ({ is: 'list', parts: r.some(0, 3, () => r.weighed([[4, literal], [1, auth], [1, doc]])()) })],
    [3, () => { // a value that may be a list
      const v = value(left, act);
      return ['literal', 'undefined', 'now', 'template'].includes(v.is) ? { is: 'doc', steps: ['l'] } : v;
    }]])();
  // Two values of one kind, so that comparing them says something.
  const at = (...steps) => ({ is: 'doc', steps });
  const is = (v) => ({ is: 'literal', v });
  const sent = (act, name) => (act === 'read' || act === 'delete' ? at(name) : { is: 'data', steps: [name] });
  const people = (act) => r.one([at('owner'), at('_openid'), at('s'), at('o', 'k'), { is: 'auth', steps: ['openid'] },
    { is: 'auth', steps: ['uid'] }, { is: 'auth', steps: ['custom', 'team'] }, is(r.one(words)), sent(act, 'owner'), sent(act, 's')]);
  const numbers = (act) => r.one([at('n'), at('m'), at('t', '0', 'k'), is(number()), is(number()), sent(act, 'n'),
    { is: 'auth', steps: ['custom', 'level'] }, { is: 'now' }, at('d')]);
  const pair = (act) => r.weighed([
    [3, () => ({ is: 'compare', op: r.one(['==', '==', '==', '!=', '===', '!==']), a: people(act), b: people(act) })],
    [3, () => ({ is: 'compare', op: r.one(['==', '!=', '<', '<=', '>', '>=']), a: numbers(act), b: numbers(act) })],
    [1, () => ({ is: 'compare', op: r.one(['==', '!=']), a: r.one([at('b'), sent(act, 'b')]), b: is(r.once(2)) })],
    [1, () => ({ is: 'compare', op: r.one(['==', '!=']), a: r.one([people, numbers])(act), b: r.one([is(null), { is: 'undefined' }]) })],
    [1, () => ({ is: 'in', a: people(act), list: r.one([at('l'), { is: 'list', parts: r.some(1, 4, () => people(act)) }]) })],
    [1, () => ({ is: 'compare', op: '!=', a: { is: 'auth', steps: [] }, b: is(null) })],
  ])();

  const condition = (left, act, depth) => {
    const again = () => condition(left, act, depth + 1);
    return r.weighed([
      [24, () => pair(act)],
      [9, () => ({ is: 'compare', op: r.weighed([[5, '=='], [3, '!='], [1, '==='], [1, '!==']]), a: operand(left, act), b: operand(left, act) })],
      [4, () => ({ is: 'compare', op: r.one(['<', '<=', '>', '>=']), a: operand(left, act), b: operand(left, act) })],
      [4, () => ({ is: 'in', a: operand(left, act), list: listOf(left, act) })],
      [2, () => value(left, act)],
      [depth < 3 ? 4 : 0, () => ({ is: 'and', parts: r.some(2, 3, again) })],
      [depth < 3 ? 4 : 0, () => ({ is: 'or', parts: r.some(2, 3, again) })],
      [depth < 3 ? 3 : 0, () => ({ is: 'not', part: again() })],
      [depth < 2 ? 1 : 0, () => ({ is: 'if', c: again(), a: again(), b: again() })],
    ])();
  };
  const rule = (act) => condition({ gets: 3 }, act, 0);

  // A change whose fields do not meet.
  const change = () => {
    const set = { ...member('n', number), ...member('s', () => r.one(words)), ...member('owner', () => r.one(words)),
      ...r.one([{}, { 'o.k': scalar() }, { o: { k: scalar() } }, { 'o.p.q': scalar() }]), ...member('b', () => r.once(2)),
      ...(r.once(3) ? { l: list() } : {}), ...(r.once(3) ? { d: day(r.int(0, 3)) } : {}) };
    for (const key of Object.keys(set)) if (r.once(2)) delete set[key];
    return { $set: { ...set, touched: true }, ...(r.once(3) ? { $inc: { c: 1 } } : {}), ...(r.once(4) ? { $unset: { no: '' } } : {}) };
  };

  const query = () => r.weighed([[4, () => ({})], [1, () => ({ n: { $gte: r.int(0, 2) } })], [1, () => ({ s: r.one(words) })],
    [1, () => ({ _openid: '{openid}' })], [1, () => ({ owner: '{openid}' })], [1, () => ({ $or: [{ s: 'a' }, { n: 2 }] })],
    [1, () => ({ _id: `d${r.int(0, 9)}` })], [1, () => ({ l: 'a' })], [1, () => ({ n: { $exists: false } })]])();

  return { document, refs, rule, change, query };
}

// A query's answer, for the few that `query` makes.
export function matches(query, doc, openid) {
  return Object.entries(query).every(([key, want]) => {
    if (key === '$or') return want.some((q) => matches(q, doc, openid));
    const v = doc[key];
    if (want === '{openid}' && !openid) return false; // nobody's is nobody
    const w = want === '{openid}' ? openid : want;
    if (w?.$gte !== undefined) return [v].flat().some((x) => typeof x === 'number' && x >= w.$gte);
    if (w?.$exists !== undefined) return (v !== undefined) === w.$exists;
    return v === w || (Array.isArray(v) && v.includes(w));
  });
}

// The tree as a person would write it, with chance where spaces, quotes and
// parentheses are free.
export function write(r, node) {
  const space = () => (r.once(3) ? '' : ' ');
  const quote = (s) => {
    const q = r.one(["'", '"']);
    return q + s.replaceAll('\\', '\\\\').replaceAll(q, `\\${q}`) + q;
  };
  const step = (s) => {
    if (typeof s !== 'string') return `[${value(s)}]`;
    if (isIndex(s)) return `[${s}]`;
    return r.once(4) ? `[${quote(s)}]` : `.${s}`;
  };
  const isIndex = (s) => /^\d+$/.test(s);
  const piece = (p) => (typeof p === 'string' ? p : `\${${value(p)}}`);
  const steps = (n) => n.steps.map(step).join('');
  const value = (n) => {
    switch (n.is) {
      case 'literal': return typeof n.v === 'string' ? quote(n.v) : String(n.v);
      case 'undefined': case 'now': return n.is;
      case 'auth': case 'doc': return n.is + steps(n);
      case 'data': return `request.data${steps(n)}`;
      case 'get': return `get(\`database.${n.collection}.${n.id.map(piece).join('')}\`)${steps(n)}`;
      case 'template': return `\`${n.parts.map(piece).join('')}\``;
      case 'list': return `[${n.parts.map(value).join(`,${space()}`)}]`;
      case 'pick': return `(${answer(n.c)} ? ${value(n.a)} : ${value(n.b)})`;
      default: throw new Error(n.is);
    }
  };
  const inside = (n) => `(${answer(n)})`;
  const answer = (n) => {
    switch (n.is) {
      case 'and': return n.parts.map(inside).join(`${space()}&&${space()}`);
      case 'or': return n.parts.map(inside).join(`${space()}||${space()}`);
      case 'not': return `!${inside(n.part)}`;
      case 'if': return `${inside(n.c)} ? ${inside(n.a)} : ${inside(n.b)}`;
      case 'compare': return `${value(n.a)}${space()}${n.op}${space()}${value(n.b)}`;
      case 'in': return `${value(n.a)} in ${value(n.list)}`;
      default: return value(n);
    }
  };
  return answer(node);
}
