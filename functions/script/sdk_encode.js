'use strict';
// Conditions and changes as MongoDB writes them: nested plain objects become
// dotted paths, commands their operators.

const ejson = require('./sdk_ejson');
const geo = require('./sdk_geo');
const { Logic, Condition, Update, wireName } = require('./sdk_command');

const isObject = (v) =>
  Object.prototype.toString.call(v) === '[object Object]';

// An object that stands for one value or command, not for a path.
function isWhole(v) {
  return v instanceof Logic || v instanceof Update || geo.isShape(v)
    || v instanceof ejson.ServerDate || v instanceof ejson.RegularExpression
    || v instanceof ejson.ObjectId;
}

// {o: {k: 1}} → {'o.k': 1}; members that begin with "$" stay where they are.
function flatten(given, above = [given]) {
  const out = {};
  for (const key of Object.keys(given)) {
    const value = given[key];
    if (value === undefined) continue;
    if (key.startsWith('$') || !value || !isObject(value) || isWhole(value)) {
      out[key] = value;
      continue;
    }
    if (above.includes(value))
      throw new Error('Cannot convert circular structure to JSON');
    const child = flatten(value, [...above, value]);
    const kept = {};
    for (const name of Object.keys(child))
      if (name.startsWith('$')) kept[name] = child[name];
      else out[`${key}.${name}`] = child[name];
    if (Object.keys(kept).length > 0) out[key] = kept;
  }
  return out;
}

// ---- conditions

function unset() {
  return new Error('Cannot encode a comparison command with unset field name');
}

function place(given) {
  const centre = given.centerSphere;
  if (!centre) return { $geometry: given.geometry.toJSON() };
  return { $centerSphere: [centre[0] instanceof geo.Point
    ? centre[0].toJSON().coordinates : centre[0], centre[1]] };
}

const GEO = {
  geoNear: (given) => ({ $nearSphere: { $geometry: given.geometry.toJSON(),
    $maxDistance: given.maxDistance, $minDistance: given.minDistance } }),
  geoWithin: (given) => ({ $geoWithin: place(given) }),
  geoIntersects: (given) => ({ $geoIntersects:
    { $geometry: given.geometry.toJSON() } }),
};

function condition(given) {
  if (given.fieldName === undefined) throw unset();
  const made = GEO[given.operator];
  return { [given.fieldName]: made ? made(given.operands[0])
    : given.asValue() };
}

function logic(given) {
  const { operator, operands, fieldName } = given;
  if (operator !== 'not')
    return { [wireName(operator)]: operands.map((each) =>
      query(each, fieldName)) };
  if (fieldName === undefined) throw unset();
  const [inner] = operands;
  return { [fieldName]: { $not: inner instanceof Logic
    ? query(inner)[fieldName] : inner } };
}

// What a condition adds to the others: several of one name become one list or
// one object.
function merge(all, added) {
  for (const key of Object.keys(added)) {
    if (Array.isArray(all[key])) all[key] = all[key].concat(added[key]);
    else all[key] = added[key];
  }
}

function queryObject(given) {
  const all = flatten(given);
  for (const key of Object.keys(all)) {
    const value = all[key];
    if (!(value instanceof Logic)) continue;
    delete all[key];
    const placed = value.at(key);
    merge(all, placed instanceof Condition ? condition(placed)
      : logic(placed));
  }
  return all;
}

function query(given, fieldName) {
  if (given instanceof Condition) return condition(given);
  if (given instanceof Logic) return logic(given);
  if (given instanceof RegExp || given instanceof Date || isWhole(given))
    return fieldName === undefined ? given : { [fieldName]: given };
  return isObject(given) ? queryObject(given) : given;
}

// ---- changes

function pushed(operands) {
  return Array.isArray(operands) ? { $each: operands } : operands;
}

const VALUES = {
  remove: () => '',
  push: pushed,
  unshift: (operands) => ({ $each: operands, $position: 0 }),
  pop: () => 1,
  shift: () => -1,
  pull: (operands) => operands,
  pullAll: (operands) => operands,
  addToSet: (operands) => each(operands),
};

// {each: […]} and {$each: […]} alike.
function each(given) {
  return isObject(given) && Array.isArray(given.each)
    && Object.keys(given).length === 1 ? { $each: given.each } : given;
}

function update(given) {
  const all = flatten(given);
  for (const key of Object.keys(all)) {
    if (key.startsWith('$')) continue;
    const value = all[key];
    delete all[key];
    const isCommand = value instanceof Update;
    const name = isCommand ? wireName(value.operator) : '$set';
    all[name] ??= {};
    all[name][key] = !isCommand ? value
      : VALUES[value.operator] ? VALUES[value.operator](value.operands)
        : value.operands[0];
  }
  return all;
}

module.exports = {
  query,
  queryText: (given) => ejson.stringify(query(given)),
  updateText: (given) => ejson.stringify(update(given)),
};
