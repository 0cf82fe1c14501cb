'use strict';
// Errors with Node's codes and words, for what our modules refuse.

function described(value) {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === 'function') return ` Received function ${value.name}`;
  if (typeof value === 'object') {
    if (value.constructor && value.constructor.name)
      return ` Received an instance of ${value.constructor.name}`;
    return ` Received ${require('./inspect').inspect(value, { depth: -1 })}`;
  }
  let shown = require('./inspect').inspect(value, { colors: false });
  if (shown.length > 28) shown = `${shown.slice(0, 25)}...`;
  return ` Received type ${typeof value} (${shown})`;
}

function coded(Base, code, message) {
  const err = new Base(message);
  // The code stands in the stack and not in `name`, as in Node.
  Object.defineProperty(err, 'stack', { writable: true, configurable: true,
    value: String(err.stack).replace(/^\w*Error/, (name) => `${name} [${code}]`) });
  err.code = code;
  Object.defineProperty(err, 'toString', { configurable: true, writable: true,
    enumerable: false, value() {
      return `${this.name} [${code}]: ${this.message}`;
    } });
  return err;
}

module.exports = {
  coded,
  // expected: "of type string", "an instance of Buffer"
  argType(name, expected, value) {
    const what = /\bargument$/.test(name) || name.startsWith('The ') ? name
      : `"${name}" ${name.includes('.') ? 'property' : 'argument'}`;
    return coded(TypeError, 'ERR_INVALID_ARG_TYPE', `The ${what} must be ${
      expected}.${described(value)}`);
  },
  argValue(name, value, reason = 'is invalid') {
    return coded(TypeError, 'ERR_INVALID_ARG_VALUE', `The ${
      name.includes('.') ? 'property' : 'argument'} '${name}' ${reason}. Received ${
      require('./inspect').inspect(value)}`);
  },
  range(name, expected, value) {
    let shown = String(value);
    if (Number.isInteger(value) && Math.abs(value) > 2 ** 32)
      shown = underscored(shown);
    else if (typeof value === 'bigint')
      shown = `${value > 2n ** 32n || value < -(2n ** 32n) ? underscored(shown)
        : shown}n`;
    else if (typeof value !== 'number') shown = require('./inspect').inspect(value);
    return coded(RangeError, 'ERR_OUT_OF_RANGE', `The value of "${name}" is out of range. It must be ${
      expected}. Received ${shown}`);
  },
  described,
};

function underscored(digits) {
  const sign = digits[0] === '-' ? '-' : '';
  let rest = digits.slice(sign.length);
  let out = '';
  for (; rest.length > 3; rest = rest.slice(0, -3))
    out = `_${rest.slice(-3)}${out}`;
  return `${sign}${rest}${out}`;
}
