// Security rules, evaluated the plain way: a tree, a caller, a document, an
// answer.  Written from the language's description (docs/security-rules.md),
// not from the C; it knows nothing of SQL.
//
// An answer is true, false, or null: unknown.  Values are JavaScript's;
// undefined is what is not there.

// Nothing is known of it, not even whether it is there.
export const hidden = Symbol('hidden');
// It is there, with a value that is not known.
const present = Symbol('present');
// It is there and an object, with nothing to compare it with.
const object = Symbol('object');
// The auth of nobody, a document that get() did not find.
const none = Symbol('none');

const isIndex = (key) => /^(0|[1-9][0-9]{0,8})$/.test(key);
const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v) && !(v instanceof Date);

function member(v, key) {
  if (Array.isArray(v)) return isIndex(key) ? v[Number(key)] : undefined;
  return isObject(v) && Object.hasOwn(v, key) ? v[key] : undefined;
}

const plain = (v) => (v instanceof Date ? v.getTime() : v);

function same(a, b) {
  a = plain(a);
  b = plain(b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((x, i) => same(x, b[i]));
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && same(a[k], b[k]));
  }
  return a === b;
}

// What `${v}` writes, or null.
function text(v) {
  if (typeof v === 'string') return v;
  return typeof v === 'number' && Number.isFinite(v) ? String(v) : null;
}

const not = (x) => (x === null ? null : !x);
const all = (list) => (list.includes(false) ? false : list.includes(null) ? null : true);
const any = (list) => (list.includes(true) ? true : list.includes(null) ? null : false);

// request.data of an update at a path.
function dataAt(data, path) {
  const found = [];
  for (const [op, fields] of Object.entries(data))
    for (const [field, v] of Object.entries(fields)) {
      const steps = field.split('.');
      const shorter = Math.min(steps.length, path.length);
      if (!steps.slice(0, shorter).every((s, i) => s === path[i])) continue;
      if (steps.length > path.length) found.push(object);
      else if (op === '$set') found.push(path.slice(steps.length).reduce(member, v));
      else found.push(path.length > steps.length ? hidden : present);
    }
  if (found.length > 1) return found.every((f) => f === object) ? object : present;
  return found[0];
}

export class Rule {
  // call: {act, auth: {openid, uid, loginType, custom} or null, data, now,
  // collections: {name: {id: document}}}
  constructor(call) {
    this.call = call;
  }

  allows(tree, doc) {
    return this.answer(tree, doc) === true;
  }

  keys(steps, doc) {
    return steps.map((s) => (typeof s === 'string' ? s : this.value(s, doc)));
  }

  walk(v, steps, doc) {
    const keys = this.keys(steps, doc);
    if (keys.some((k) => typeof k === 'symbol')) return hidden;
    for (const k of keys) {
      const key = text(k);
      if (key === null || key.startsWith('$')) return undefined;
      v = member(v, key);
    }
    return v;
  }

  data(node, doc) {
    const { act, data } = this.call;
    if (act === 'read' || act === 'delete') return node.steps.length ? hidden : undefined;
    if (node.steps.length === 0) return object;
    if (act === 'create') return node.steps[0] === '_openid' ? undefined : this.walk(doc, node.steps, doc);
    const keys = this.keys(node.steps, doc);
    if (keys.some((k) => typeof k === 'symbol')) return hidden;
    return keys.some((k) => text(k) === null) ? undefined : dataAt(data, keys.map(text));
  }

  auth(node) {
    const { auth } = this.call;
    if (!auth) return node.steps.length ? hidden : none;
    if (!node.steps.length) return object;
    return node.steps.reduce(member, auth);
  }

  get(node, doc) {
    const id = this.pieces(node.id, doc);
    const found = typeof id === 'string' ? this.call.collections[node.collection]?.[id] : undefined;
    if (id === hidden) return hidden;
    if (found === undefined) return node.steps.length ? hidden : none;
    return this.walk(found, node.steps, doc);
  }

  pieces(parts, doc) {
    const values = this.keys(parts, doc);
    if (values.some((v) => typeof v === 'symbol')) return hidden;
    const texts = values.map(text);
    return texts.includes(null) ? undefined : texts.join('');
  }

  value(node, doc) {
    switch (node.is) {
      case 'literal': return node.v;
      case 'undefined': return undefined;
      case 'now': return this.call.now;
      case 'auth': return this.auth(node);
      case 'data': return this.data(node, doc);
      case 'doc': return node.steps.length ? this.walk(doc, node.steps, doc) : object;
      case 'get': return this.get(node, doc);
      case 'template': return this.pieces(node.parts, doc);
      default: throw new Error(node.is);
    }
  }

  // c ? a : b as an operand: of the branch that c says.
  branch(node, doc, ask) {
    if (node.is !== 'pick') return ask(node);
    const c = this.answer(node.c, doc);
    return c === null ? null : this.branch(c ? node.a : node.b, doc, ask);
  }

  equal(a, b, strict, doc) {
    const isUndefined = (n) => n.is === 'undefined';
    const isNull = (n) => n.is === 'literal' && n.v === null;
    const va = this.value(a, doc), vb = this.value(b, doc);
    if (va === hidden || vb === hidden) return null;
    if (isUndefined(a) || isUndefined(b)) {
      const v = isUndefined(a) ? vb : va;
      return v === undefined || v === none;
    }
    if (isNull(a) || isNull(b)) {
      const v = isNull(a) ? vb : va;
      if (v === present) return null;
      return v === none || v === null || (!strict && v === undefined);
    }
    if (typeof va === 'symbol' || typeof vb === 'symbol') return null;
    return va === undefined && vb === undefined ? null : same(va, vb);
  }

  order(op, a, b, doc) {
    const x = plain(this.value(a, doc)), y = plain(this.value(b, doc));
    if (typeof x !== typeof y || (typeof x !== 'number' && typeof x !== 'string')) return null;
    if (Number.isNaN(x) || Number.isNaN(y)) return null;
    const less = typeof x === 'number' ? Math.sign(x - y) || (x === y ? 0 : x < y ? -1 : 1)
      : Buffer.compare(Buffer.from(x), Buffer.from(y));
    return { '<': less < 0, '<=': less <= 0, '>': less > 0, '>=': less >= 0 }[op];
  }

  inside(a, list, doc) {
    if (list.is === 'list') return any(list.parts.map((e) => this.equal(a, e, false, doc)));
    const x = this.value(a, doc), v = this.value(list, doc);
    if (typeof x === 'symbol' || v === hidden) return null;
    if (v === undefined) return false;
    if (!Array.isArray(v)) return null;
    return x !== undefined && v.some((e) => same(x, e) && !Number.isNaN(e));
  }

  truth(node, doc) {
    const v = this.value(node, doc);
    if (v === hidden || v === present) return null;
    if (v === none) return false;
    return v === object || Boolean(v);
  }

  answer(node, doc) {
    switch (node.is) {
      case 'and': return all(node.parts.map((p) => this.answer(p, doc)));
      case 'or': return any(node.parts.map((p) => this.answer(p, doc)));
      case 'not': return not(this.answer(node.part, doc));
      case 'if': {
        const c = this.answer(node.c, doc);
        return c === null ? null : this.answer(c ? node.a : node.b, doc);
      }
      case 'compare':
        return this.branch(node.a, doc, (a) => this.branch(node.b, doc, (b) => {
          if (!/=/.test(node.op) || /^[<>]/.test(node.op)) return this.order(node.op, a, b, doc);
          const equal = this.equal(a, b, node.op.length === 3, doc);
          return node.op[0] === '!' ? not(equal) : equal;
        }));
      case 'in':
        return this.branch(node.a, doc, (a) => this.inside(a, node.list, doc));
      default: // a value, asked for its truth
        return this.branch(node, doc, (n) => this.truth(n, doc));
    }
  }
}
