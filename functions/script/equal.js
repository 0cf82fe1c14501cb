'use strict';
// Are two values deeply equal?  Strictly (util.isDeepStrictEqual,
// assert.deepStrictEqual) or with == (assert.deepEqual), as Node's
// documentation of `assert` says.

const types = require('./util_types');

const tag = (v) => Object.prototype.toString.call(v);
const isObject = (v) => typeof v === 'object' && v !== null;

function enumerableSymbols(v) {
  return Object.getOwnPropertySymbols(v).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(v, key));
}

function sameKeys(a, b, keys, strict, memo) {
  for (const key of keys)
    if (!Object.prototype.propertyIsEnumerable.call(b, key)
      && !(Array.isArray(b) && key in b === key in a && key in b))
      return false;
  return keys.every((key) => equal(a[key], b[key], strict, memo));
}

function sameMembers(a, b, strict, memo, skipIndexes) {
  const pick = (v) => Object.keys(v).filter((key) => !skipIndexes
    || !/^(0|[1-9]\d*)$/.test(key));
  const keys = pick(a);
  if (keys.length !== pick(b).length) return false;
  if (strict) {
    const symbols = enumerableSymbols(a);
    if (symbols.length !== enumerableSymbols(b).length) return false;
    keys.push(...symbols);
  }
  return sameKeys(a, b, keys, strict, memo);
}

function sameBytes(a, b) {
  if (a.byteLength !== b.byteLength) return false;
  const x = new Uint8Array(a.buffer ?? a, a.byteOffset ?? 0, a.byteLength);
  const y = new Uint8Array(b.buffer ?? b, b.byteOffset ?? 0, b.byteLength);
  return x.every((byte, i) => byte === y[i]);
}

// Removes from `rest` an entry that is equal to `wanted`.
function take(rest, wanted, isEqual) {
  const at = rest.findIndex((each) => isEqual(each, wanted));
  if (at < 0) return false;
  rest.splice(at, 1);
  return true;
}

function sameSet(a, b, strict, memo) {
  if (a.size !== b.size) return false;
  const rest = [...b].filter((each) => !a.has(each));
  for (const each of a)
    if (!b.has(each)) {
      if (strict && !isObject(each)) return false;
      if (!take(rest, each, (x, y) => equal(x, y, strict, memo))) return false;
    }
  return true;
}

function sameMap(a, b, strict, memo) {
  if (a.size !== b.size) return false;
  const rest = [...b].filter(([key]) => isObject(key) || !a.has(key));
  for (const [key, value] of a) {
    if (!isObject(key) && b.has(key)) {
      if (!equal(value, b.get(key), strict, memo)) return false;
    } else if (!isObject(key) && strict) {
      return false;
    } else if (!take(rest, [key, value], (x, y) =>
      equal(x[0], y[0], strict, memo) && equal(x[1], y[1], strict, memo))) {
      return false;
    }
  }
  return true;
}

function sameInside(a, b, strict, memo) {
  if (Array.isArray(a))
    return a.length === b.length && sameMembers(a, b, strict, memo, false);
  if (types.isTypedArray(a) && types.isTypedArray(b)) {
    const same = strict || !/Float/.test(types.typeName(a)) ? sameBytes(a, b)
      : a.length === b.length && a.every((n, i) => n === b[i]);
    return same && sameMembers(a, b, strict, memo, true);
  }
  if (types.isDate(a) && a.getTime() !== b.getTime()
    && !(Number.isNaN(a.getTime()) && Number.isNaN(b.getTime())))
    return false;
  if (types.isRegExp(a) && (a.source !== b.source || a.flags !== b.flags
    || a.lastIndex !== b.lastIndex))
    return false;
  if (types.isNativeError(a)
    && (a.message !== b.message || a.name !== b.name))
    return false;
  if (types.isAnyArrayBuffer(a) || types.isDataView(a)) {
    if (!sameBytes(a, b)) return false;
  }
  if (types.isSet(a) && !sameSet(a, b, strict, memo)) return false;
  if (types.isMap(a) && !sameMap(a, b, strict, memo)) return false;
  if (types.isBoxedPrimitive(a) && !Object.is(a.valueOf(), b.valueOf()))
    return false;
  return sameMembers(a, b, strict, memo, false);
}

const KINDS = [Array.isArray, types.isTypedArray, types.isDate, types.isRegExp,
  types.isNativeError, types.isAnyArrayBuffer, types.isDataView, types.isSet,
  types.isMap, types.isBoxedPrimitive];

function equal(a, b, strict, memo) {
  if (a === b) return a !== 0 || !strict || Object.is(a, b);
  if (strict) {
    if (!isObject(a) || !isObject(b))
      return typeof a === 'number' && Number.isNaN(a) && Number.isNaN(b);
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  } else {
    if (!isObject(a) || !isObject(b))
      return (!isObject(a) && !isObject(b))
        // eslint-disable-next-line eqeqeq
        && (a == b || (a !== a && b !== b));
  }
  if (tag(a) !== tag(b)) return false;
  if (KINDS.some((is) => is(a) !== is(b))) return false;
  // Circles are equal when they lead back to the same place.
  const known = memo.find(([x, y]) => x === a || y === b);
  if (known) return known[0] === a && known[1] === b;
  memo.push([a, b]);
  const same = sameInside(a, b, strict, memo);
  memo.pop();
  return same;
}

module.exports = {
  strictly: (a, b) => equal(a, b, true, []),
  loosely: (a, b) => equal(a, b, false, []),
};
