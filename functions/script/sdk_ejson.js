'use strict';
// Values on the wire: canonical Extended JSON out, any form of it in.

const geo = require('./sdk_geo');

class ServerDate {
  constructor({ offset = 0 } = {}) {
    this.offset = offset;
  }
}

class RegularExpression {
  constructor({ regexp, options }) {
    if (!regexp) throw new TypeError('regexp must be a string');
    this.$regularExpression = { pattern: regexp, options: options || '' };
  }
}

class ObjectId {
  constructor({ id = '' } = {}) {
    this.id = id;
  }
}

const INT32_TOP = 0x7fffffff;

function number(n) {
  if (Math.floor(n) !== n || Math.abs(n) > 2 ** 63)
    return { $numberDouble: String(n) };
  return n <= INT32_TOP && n >= -INT32_TOP - 1 ? { $numberInt: String(n) }
    : { $numberLong: String(n) };
}

// What is not a plain object or a list, or undefined when it is.
function special(value) {
  if (value instanceof Date || Object.prototype.toString.call(value) === '[object Date]')
    return { $date: { $numberLong: String(value.getTime()) } };
  if (value instanceof RegExp)
    return { $regularExpression:
      { pattern: value.source, options: value.flags } };
  if (value instanceof ServerDate)
    return { $tcb_server_date: { offset: plain(value.offset) } };
  if (value instanceof RegularExpression)
    return { $regularExpression: { ...value.$regularExpression } };
  if (value instanceof ObjectId) return { $oid: value.id };
  if (geo.isShape(value)) return plain(value.toJSON());
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    const bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
    return { $binary: { base64: require('./base64').encode(bytes),
      subType: '00' } };
  }
  // Conditions inside a value: _.pull(_.gt(4)), _.elemMatch({x: _.gt(2)}).
  return value.isCommand ? plain(value.asValue()) : undefined;
}

// Set while a value is walked: the objects above the one at hand.
let above = [];

function plain(value) {
  switch (typeof value) {
  case 'number':
    return number(value);
  case 'bigint':
    return { $numberLong: String(value) };
  case 'object':
    break;
  default:
    return value;
  }
  if (value === null) return null;
  const isList = Array.isArray(value);
  if (!isList) {
    const proto = Object.getPrototypeOf(value);
    const made = proto === Object.prototype || proto === null
      ? undefined : special(value);
    if (made !== undefined) return made;
  }
  if (above.includes(value))
    throw new Error('Cannot convert circular structure to JSON');
  above.push(value);
  const out = isList ? value.map((each) => (each === undefined ? null
    : plain(each))) : members(value);
  above.pop();
  return out;
}

function members(value) {
  const out = {};
  for (const key of Object.keys(value)) {
    const each = value[key];
    if (each === undefined || typeof each === 'function') continue;
    const made = plain(each);
    if (key === '__proto__')
      Object.defineProperty(out, key, { value: made, writable: true,
        enumerable: true, configurable: true });
    else out[key] = made;
  }
  return out;
}

function stringify(value) {
  above = [];
  return JSON.stringify(plain(value));
}

// ---- in

const int = (v) => Number(v);
const TAGS = {
  $numberInt: int,
  $numberLong: int,
  $numberDouble: int,
  $numberDecimal: int,
  $oid: (v) => v,
  $uuid: (v) => v,
  $symbol: (v) => v,
  $undefined: () => null,
  $date: (v) => new Date(typeof v === 'object' && v !== null
    ? Number(v.$numberLong ?? v) : v),
  $timestamp: (v) => (typeof v === 'number' ? new Date(v * 1000) : v),
  $regularExpression: (v) => regExp(v.pattern, v.options),
  $binary: (v, whole) => binary(typeof v === 'string'
    ? { base64: v, subType: whole.$type } : v),
};

function regExp(pattern, options = '') {
  try {
    return new RegExp(pattern, options.replace(/[^dgimsuvy]/g, ''));
  } catch {
    return { $regularExpression: { pattern, options } };
  }
}

function binary({ base64 }) {
  return require('./buffer').Buffer.from(base64, 'base64');
}

function tagged(value) {
  for (const key in value) {
    if (key.charCodeAt(0) !== 36 || !Object.hasOwn(TAGS, key)) return value;
    return value[key] === null ? value : TAGS[key](value[key], value);
  }
  return value;
}

// In place: what JSON.parse made belongs to nobody else.
function revive(value, withGeo) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = revive(value[i], withGeo);
    return value;
  }
  const made = tagged(value);
  if (made !== value) return made;
  if (withGeo && value.coordinates !== undefined) {
    const shape = geo.revive(revive({ type: value.type,
      coordinates: value.coordinates }, false));
    if (shape) return shape;
  }
  for (const key in value) {
    const each = value[key];
    if (each !== null && typeof each === 'object')
      value[key] = revive(each, withGeo);
  }
  return value;
}

module.exports = {
  ServerDate,
  RegularExpression,
  ObjectId,
  plain(value) {
    above = [];
    return plain(value);
  },
  stringify,
  // withGeo: GeoJSON becomes db.Geo's objects, as find and doc give them.
  parse: (text, withGeo = false) =>
    revive(typeof text === 'string' ? JSON.parse(text) : text, withGeo),
};
