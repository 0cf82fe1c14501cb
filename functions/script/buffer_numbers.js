'use strict';
// buf.readUInt32LE, buf.writeDoubleBE and their many sisters.

const { argType, coded, range } = require('./errors');

const view = (b) => new DataView(b.buffer, b.byteOffset, b.byteLength);

function checkNumber(offset) {
  if (typeof offset !== 'number')
    throw argType('offset', 'of type number', offset);
}

function checkOffset(buffer, offset, size) {
  checkNumber(offset);
  if (offset >= 0 && offset <= buffer.length - size && Number.isInteger(offset))
    return;
  if (!Number.isInteger(offset)) throw range('offset', 'an integer', offset);
  if (buffer.length - size < 0)
    throw coded(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS',
      'Attempt to access memory outside buffer bounds');
  throw range('offset', `>= 0 and <= ${buffer.length - size}`, offset);
}

// The words of Node's error: powers of two from five bytes on.
function limits(low, high, bits, isSigned) {
  const n = bits === 64 ? 'n' : '';
  if (bits <= 32) return `>= ${low} and <= ${high}`;
  return isSigned
    ? `>= -(2${n} ** ${bits - 1}${n}) and < 2${n} ** ${bits - 1}${n}`
    : `>= 0${n} and < 2${n} ** ${bits}${n}`;
}

function checkValue(value, low, high, bits, isSigned) {
  if (value < low || value > high)
    throw range('value', limits(low, high, bits, isSigned), value);
}

const methods = {};

// Types that DataView has: name, its name there, bits, kind.
const ROWS = [
  ['UInt8', 'Uint8', 8, 'unsigned'], ['Int8', 'Int8', 8, 'signed'],
  ['UInt16', 'Uint16', 16, 'unsigned'], ['Int16', 'Int16', 16, 'signed'],
  ['UInt32', 'Uint32', 32, 'unsigned'], ['Int32', 'Int32', 32, 'signed'],
  ['BigUInt64', 'BigUint64', 64, 'unsigned'],
  ['BigInt64', 'BigInt64', 64, 'signed'],
  ['Float', 'Float32', 32, 'float'], ['Double', 'Float64', 64, 'float'],
];

function bounds(bits, isSigned) {
  if (bits === 64)
    return isSigned ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  return isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
    : [0, 2 ** bits - 1];
}

function add(name, [, type, bits, kind], isLittle) {
  const size = bits / 8;
  const [low, high] = kind === 'float' ? [] : bounds(bits, kind === 'signed');
  methods[`read${name}`] = function read(offset = 0) {
    checkOffset(this, offset, size);
    return view(this)[`get${type}`](offset, isLittle);
  };
  methods[`write${name}`] = function write(given, offset = 0) {
    if (bits === 8) checkNumber(offset);
    const value = bits === 64 && kind !== 'float' ? given : +given;
    if (kind !== 'float') {
      if (bits === 64 && typeof value !== 'bigint')
        throw argType('value', 'of type bigint', value);
      checkValue(value, low, high, bits, kind === 'signed');
    }
    checkOffset(this, offset, size);
    view(this)[`set${type}`](offset, value, isLittle);
    return offset + size;
  };
}

for (const row of ROWS) {
  const [name, , bits] = row;
  if (bits === 8) add(name, row, false);
  else for (const end of ['LE', 'BE']) add(name + end, row, end === 'LE');
}

// ---- one to six bytes

function checkLength(byteLength) {
  if (byteLength === undefined)
    throw argType('byteLength', 'of type number', byteLength);
  if (typeof byteLength !== 'number')
    throw argType('byteLength', 'of type number', byteLength);
  if (!Number.isInteger(byteLength))
    throw range('byteLength', 'an integer', byteLength);
  if (byteLength < 1 || byteLength > 6)
    throw range('byteLength', '>= 1 and <= 6', byteLength);
}

function read(buffer, offset, byteLength, isLittle) {
  let value = 0;
  for (let i = 0; i < byteLength; i++)
    value = value * 256 + buffer[offset
      + (isLittle ? byteLength - 1 - i : i)];
  return value;
}

function addLong(end) {
  const isLittle = end === 'LE';
  for (const isSigned of [false, true]) {
    const name = `${isSigned ? 'Int' : 'UInt'}${end}`;
    methods[`read${name}`] = function readLong(offset, byteLength) {
      if (offset === undefined) throw argType('offset', 'of type number', offset);
      checkLength(byteLength);
      checkOffset(this, offset, byteLength);
      const value = read(this, offset, byteLength, isLittle);
      return isSigned && value >= 2 ** (byteLength * 8 - 1)
        ? value - 2 ** (byteLength * 8) : value;
    };
    methods[`write${name}`] = function writeLong(given, offset, byteLength) {
      const value = +given;
      checkLength(byteLength);
      if (byteLength === 1) checkNumber(offset);
      const [low, high] = bounds(byteLength * 8, isSigned);
      checkValue(value, low, high, byteLength * 8, isSigned);
      checkOffset(this, offset, byteLength);
      let rest = Math.trunc(value);
      for (let i = 0; i < byteLength; i++) {
        this[offset + (isLittle ? i : byteLength - 1 - i)] = rest;
        rest = Math.floor(rest / 256);
      }
      return offset + byteLength;
    };
  }
}
addLong('LE');
addLong('BE');

// readUint8 beside readUInt8.
for (const name of Object.keys(methods))
  if (name.includes('UInt')) methods[name.replace('UInt', 'Uint')] = methods[name];

module.exports = methods;
