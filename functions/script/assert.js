'use strict';
// require('assert'): what code checks of itself.

const equals = require('./equal');
const { inspect, format } = require('./inspect');

class AssertionError extends Error {
  constructor({ message, actual, expected, operator, generatedMessage }) {
    super(message);
    this.name = 'AssertionError';
    this.code = 'ERR_ASSERTION';
    this.generatedMessage = generatedMessage ?? false;
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
  }

  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

function fail(message, operator, actual, expected, generated) {
  if (message instanceof Error) throw message;
  throw new AssertionError({ message: message ?? generated, actual, expected,
    operator, generatedMessage: message === undefined || message === null });
}

function shown(value) {
  return inspect(value, { compact: false, depth: 1000, sorted: true });
}

// Lines of both sides, those that differ marked.
function difference(head, actual, expected) {
  const a = shown(actual).split('\n');
  const b = shown(expected).split('\n');
  if (a.length === 1 && b.length === 1)
    return `${head}\n\n${a[0]} !== ${b[0]}\n`;
  let from = 0;
  while (from < a.length && from < b.length && a[from] === b[from]) from++;
  let [x, y] = [a.length, b.length];
  while (x > from && y > from && a[x - 1] === b[y - 1]) {
    x--;
    y--;
  }
  return [`${head}\n+ actual - expected\n`,
    ...a.slice(Math.max(0, from - 3), from).map((line) => `  ${line}`),
    ...a.slice(from, x).map((line) => `+ ${line}`),
    ...b.slice(from, y).map((line) => `- ${line}`),
    ...a.slice(x, x + 3).map((line) => `  ${line}`)].join('\n');
}

function need(count, args) {
  if (args.length < count)
    throw require('./errors').coded(TypeError, 'ERR_MISSING_ARGS',
      'The "actual" and "expected" arguments must be specified');
}

// name: [what holds, words when it does not].
const COMPARISONS = {
  // eslint-disable-next-line eqeqeq
  equal: [(a, b) => a == b || (a !== a && b !== b), (a, b) =>
    `${inspect(a)} == ${inspect(b)}`, '=='],
  // eslint-disable-next-line eqeqeq
  notEqual: [(a, b) => a != b && !(a !== a && b !== b), (a, b) =>
    `${inspect(a)} != ${inspect(b)}`, '!='],
  strictEqual: [Object.is, (a, b) =>
    difference('Expected values to be strictly equal:', a, b), 'strictEqual'],
  notStrictEqual: [(a, b) => !Object.is(a, b), (a) =>
    `Expected "actual" to be strictly unequal to: ${inspect(a)}`,
  'notStrictEqual'],
  deepEqual: [equals.loosely, (a, b) => difference(
    'Expected values to be loosely deep-equal:', a, b), 'deepEqual'],
  notDeepEqual: [(a, b) => !equals.loosely(a, b), (a) =>
    `Expected "actual" not to be loosely deep-equal to: ${shown(a)}`,
  'notDeepEqual'],
  deepStrictEqual: [equals.strictly, (a, b) => difference(
    'Expected values to be strictly deep-equal:', a, b), 'deepStrictEqual'],
  notDeepStrictEqual: [(a, b) => !equals.strictly(a, b), (a) =>
    `Expected "actual" not to be strictly deep-equal to: ${shown(a)}`,
  'notDeepStrictEqual'],
};

function assert(...args) {
  ok(assert, 'The expression evaluated to a falsy value', args);
}

function ok(from, generated, args) {
  if (args.length === 0)
    fail(undefined, '==', undefined, true,
      'No value argument passed to `assert.ok()`');
  if (!args[0]) fail(args[1], '==', args[0], true, generated);
}

assert.ok = (...args) =>
  ok(assert.ok, 'The expression evaluated to a falsy value', args);
for (const [name, [holds, words, operator]] of Object.entries(COMPARISONS))
  assert[name] = (...args) => {
    need(2, args);
    const [a, b, message] = args;
    if (!holds(a, b)) fail(message, operator, a, b, words(a, b));
  };
assert.fail = (message = 'Failed') =>
  fail(message, 'fail', undefined, undefined, 'Failed');
assert.ifError = (value) => {
  if (value !== null && value !== undefined)
    fail(`ifError got unwanted exception: ${
      value instanceof Error ? value.message : inspect(value)}`,
    'ifError', value, null);
};
assert.match = (text, pattern, message) => {
  if (typeof text !== 'string' || !pattern.test(text))
    fail(message, 'match', text, pattern, typeof text === 'string'
      ? `The input did not match the regular expression ${inspect(pattern)}. Input:\n\n${inspect(text)}\n`
      : `The "string" argument must be of type string. Received type ${typeof text} (${inspect(text)})`);
};
assert.doesNotMatch = (text, pattern, message) => {
  if (pattern.test(text))
    fail(message, 'doesNotMatch', text, pattern,
      `The input was expected to not match the regular expression ${inspect(pattern)}. Input:\n\n${inspect(text)}\n`);
};

// ---- what throws

function matches(err, wanted, message) {
  if (wanted === undefined) return;
  if (typeof wanted === 'function') {
    if (wanted.prototype !== undefined && err instanceof wanted) return;
    if (Error.isPrototypeOf(wanted))
      fail(message, 'throws', err, wanted, `The error is expected to be an instance of "${
        wanted.name}". Received ${err instanceof Error ? `"${err.name}"\n\nError message:\n\n${
        err.message}` : `"${inspect(err)}"`}`);
    if (wanted.call({}, err) === true) return;
    fail(message, 'throws', err, wanted, `The ${wanted.name
      ? `"${wanted.name}" ` : ''}validation function is expected to return "true". Received false`);
  }
  if (wanted instanceof RegExp) {
    if (wanted.test(String(err))) return;
    fail(message, 'throws', err, wanted,
      `The input did not match the regular expression ${inspect(wanted)}. Input:\n\n${inspect(String(err))}\n`);
  }
  const keys = Object.keys(wanted);
  if (wanted instanceof Error) keys.push('name', 'message');
  for (const key of keys) {
    const same = wanted[key] instanceof RegExp && typeof err[key] === 'string'
      ? wanted[key].test(err[key]) : equals.strictly(err[key], wanted[key]);
    if (!same)
      fail(message, 'throws', err, wanted, difference(
        'Expected values to be strictly deep-equal:',
        Object.fromEntries(keys.map((k) => [k, err[k]])),
        Object.fromEntries(keys.map((k) => [k, wanted[k]]))));
  }
}

const NONE = Symbol('none');

function thrown(given, wanted, message, operator) {
  const text = typeof wanted === 'string' ? wanted : message;
  if (given === NONE) {
    const what = operator === 'rejects' ? 'rejection' : 'exception';
    const name = typeof wanted === 'function' && wanted.name
      ? ` (${wanted.name})` : '';
    fail(`Missing expected ${what}${name}${text ? `: ${text}` : '.'}`,
      operator, undefined, wanted);
  }
  if (typeof wanted !== 'string') matches(given, wanted, message);
}

assert.throws = (fn, wanted, message) => {
  let given = NONE;
  try {
    fn();
  } catch (err) {
    given = err;
  }
  thrown(given, wanted, message, 'throws');
};
assert.rejects = async (work, wanted, message) => {
  let given = NONE;
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (err) {
    given = err;
  }
  thrown(given, wanted, message, 'rejects');
};
function unwanted(err, message, operator) {
  fail(format('Got unwanted %s%s\nActual message: "%s"',
    operator === 'doesNotThrow' ? 'exception' : 'rejection',
    typeof message === 'string' ? `: ${message}` : '.', err?.message),
  operator, err);
}
assert.doesNotThrow = (fn, wanted, message) => {
  try {
    fn();
  } catch (err) {
    unwanted(err, typeof wanted === 'string' ? wanted : message, 'doesNotThrow');
  }
};
assert.doesNotReject = async (work, wanted, message) => {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (err) {
    unwanted(err, typeof wanted === 'string' ? wanted : message,
      'doesNotReject');
  }
};
assert.AssertionError = AssertionError;
assert.strict = Object.assign((...args) => assert(...args), assert, {
  equal: assert.strictEqual,
  notEqual: assert.notStrictEqual,
  deepEqual: assert.deepStrictEqual,
  notDeepEqual: assert.notDeepStrictEqual,
});
assert.strict.strict = assert.strict;

module.exports = assert;
