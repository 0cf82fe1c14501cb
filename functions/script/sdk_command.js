'use strict';
// db.command: conditions, changes, projections and aggregation's operators.
// A command is what was asked for; sdk_encode.js writes it down.

const geo = require('./sdk_geo');

// The name on the wire where it is not "$" and the command's.
const WIRE = { neq: '$ne', remove: '$unset', shift: '$pop', unshift: '$push' };
const wireName = (operator) => WIRE[operator] ?? `$${operator}`;

// and, or, nor, not over conditions; fieldName once its place is known.
class Logic {
  constructor(operator, operands, fieldName) {
    this.operator = operator;
    this.operands = fieldName === undefined || !Array.isArray(operands)
      ? operands : operands.map((each) => (each instanceof Logic
        ? each.at(fieldName) : each));
    this.fieldName = fieldName;
  }

  at(fieldName) {
    return new this.constructor(this.operator, this.operands, fieldName);
  }

  and(...conditions) {
    return new Logic('and', [this, ...flat(conditions)], this.fieldName);
  }

  or(...conditions) {
    return new Logic('or', [this, ...flat(conditions)], this.fieldName);
  }

  get isCommand() {
    return true;
  }

  // The condition where a value stands, for _.pull and _.elemMatch.
  asValue() {
    const parts = this.operands.map((each) => (each instanceof Logic
      ? each.asValue() : each));
    if (this.operator === 'and') return Object.assign({}, ...parts);
    return { [`$${this.operator}`]: this.operator === 'not' ? parts[0] : parts };
  }

  toJSON() {
    return this.asValue();
  }
}

const LISTS = ['in', 'nin', 'all'];

// One condition; its methods add others: _.gt(1).lt(5).
class Condition extends Logic {
  asValue() {
    return { [wireName(this.operator)]: LISTS.includes(this.operator)
      ? this.operands : this.operands[0] };
  }
}

class Update {
  constructor(operator, operands) {
    this.operator = operator;
    this.operands = operands;
  }
}

function flat(args) {
  return Array.isArray(args[0]) ? args[0] : args;
}

// ---- conditions

const one = (operator) => (value) => new Condition(operator, [value]);
const list = (operator) => (values) => new Condition(operator, values);
const logic = (operator) => (...args) => new Logic(operator, flat(args));

function geometry(wanted, given) {
  return new TypeError(`"geometry" must be of type ${wanted}. Received type ${
    typeof given.geometry}`);
}

function checkNear(given) {
  if (!(given.geometry instanceof geo.Point))
    throw geometry('Point', given);
  for (const name of ['maxDistance', 'minDistance'])
    if (given[name] !== undefined && typeof given[name] !== 'number')
      throw new TypeError(`"${name}" must be of type Number. Received type ${typeof given[name]}`);
}

function isCircle(circle) {
  if (!Array.isArray(circle) || circle.length !== 2
    || typeof circle[1] !== 'number')
    return false;
  const [centre] = circle;
  if (centre instanceof geo.Point) return true;
  if (!Array.isArray(centre) || centre.length !== 2) return false;
  return Boolean(new geo.Point(centre[0], centre[1]));
}

function checkWithin(given) {
  if (given.geometry instanceof geo.Polygon
    || given.geometry instanceof geo.MultiPolygon)
    return;
  if (given.centerSphere === undefined)
    throw geometry('Polygon or MultiPolygon', given);
  if (!isCircle(given.centerSphere)) throw new Error('centersPhere结构不合法');
}

function checkIntersects(given) {
  if (!geo.isShape(given.geometry))
    throw geometry('Point, LineString, Polygon, MultiPoint, MultiLineString or MultiPolygon', given);
}

const checked = (operator, check) => (given) => {
  check(given);
  return new Condition(operator, [given]);
};

const CONDITIONS = {
  eq: one('eq'), neq: one('neq'), gt: one('gt'), gte: one('gte'),
  lt: one('lt'), lte: one('lte'), in: list('in'), nin: list('nin'),
  geoNear: checked('geoNear', checkNear),
  geoWithin: checked('geoWithin', checkWithin),
  geoIntersects: checked('geoIntersects', checkIntersects),
};
for (const [name, make] of Object.entries(CONDITIONS))
  Condition.prototype[name] = function chain(value) {
    return this.and(make(value));
  };

// ---- changes

const change = (operator) => (value) => new Update(operator, [value]);
const changeBy = (operator) => (values) => new Update(operator, values);

function push(...args) {
  const [given] = args;
  if (given && Object.prototype.toString.call(given) === '[object Object]'
    && Object.hasOwn(given, 'each')) {
    const more = {};
    for (const name of ['each', 'position', 'sort', 'slice'])
      if (given[name] !== undefined) more[`$${name}`] = given[name];
    return new Update('push', more);
  }
  return new Update('push', flat(args));
}

const command = {
  ...CONDITIONS,
  all: list('all'),
  elemMatch: one('elemMatch'),
  exists: one('exists'),
  size: one('size'),
  mod: (...args) => new Condition('mod', [args.length === 1 ? args[0] : args]),
  and: logic('and'), or: logic('or'), nor: logic('nor'), not: logic('not'),
  expr: (expression) => ({ $expr: expression }),
  jsonSchema: (schema) => ({ $jsonSchema: schema }),
  text: (given) => (typeof given === 'string' ? { $search: given } : {
    $search: given.search, $language: given.language,
    $caseSensitive: given.caseSensitive,
    $diacriticSensitive: given.diacriticSensitive }),
  set: change('set'), inc: change('inc'), mul: change('mul'),
  min: change('min'), max: change('max'), rename: change('rename'),
  bit: change('bit'),
  remove: () => new Update('remove', []),
  pop: () => new Update('pop', []),
  shift: () => new Update('shift', []),
  push,
  unshift: (...args) => new Update('unshift', flat(args)),
  pull: changeBy('pull'), pullAll: changeBy('pullAll'),
  addToSet: changeBy('addToSet'),
};

// ---- projections, aggregation

class Operator {
  constructor(name, value) {
    this[`$${name}`] = value;
  }
}

const OPERATORS = `abs add ceil divide exp floor ln log log10 mod multiply pow
  sqrt subtract trunc arrayElemAt arrayToObject concatArrays filter in
  indexOfArray isArray map range reduce reverseArray size slice zip and not or
  cmp eq gt gte lt lte neq cond ifNull switch dateFromParts dateFromString
  dayOfMonth dayOfWeek dayOfYear isoDayOfWeek isoWeek isoWeekYear millisecond
  minute month second hour week year literal mergeObjects objectToArray
  allElementsTrue anyElementTrue setDifference setEquals setIntersection
  setIsSubset setUnion concat dateToString indexOfBytes indexOfCP split
  strLenBytes strLenCP strcasecmp substr substrBytes substrCP toLower toUpper
  meta addToSet avg first last max min push stdDevPop stdDevSamp sum let
  convert dateToParts ltrim rtrim trim toBool toDate toDecimal toDouble toInt
  toLong toObjectId toString type`.split(/\s+/);

command.aggregate = {
  pipeline() {
    const { Aggregation } = require('./sdk_aggregate');
    return new Aggregation();
  },
};
for (const name of OPERATORS)
  command.aggregate[name] = (value) =>
    new Operator(name === 'neq' ? 'ne' : name, value);
command.project = {
  slice: (value) => new Operator('slice', value),
  elemMatch: (value) => new Operator('elemMatch', value),
};

module.exports = { command, Logic, Condition, Update, wireName };
