'use strict';
// Buffer: a Uint8Array with Node's methods.

const codec = require('./buffer_codec');
const { argType, argValue, coded, range } = require('./errors');
const types = require('./util_types');

const TOP = 2 ** 31 - 1;

class FastBuffer extends Uint8Array {}

// Our methods on bytes that exist.
function over(bytes) {
  return new FastBuffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkSize(size) {
  if (typeof size !== 'number') throw argType('size', 'of type number', size);
  if (!(size >= 0 && size <= 2 ** 32))
    throw range('size', '>= 0 && <= 4294967296', size);
  if (size > TOP) throw new RangeError('Array buffer allocation failed');
}

function fromObject(value, encoding, length) {
  if (types.isAnyArrayBuffer(value)) return fromArrayBuffer(value, encoding, length);
  const inner = value.valueOf && value.valueOf();
  if (inner !== null && inner !== undefined && inner !== value
    && (typeof inner === 'string' || typeof inner === 'object'))
    return from(inner, encoding, length);
  if (value.length !== undefined || value instanceof ArrayBuffer)
    return typeof value.length === 'number' ? new FastBuffer(value)
      : new FastBuffer(0);
  if (value.type === 'Buffer' && Array.isArray(value.data))
    return new FastBuffer(value.data);
  const toPrimitive = value[Symbol.toPrimitive];
  if (typeof toPrimitive === 'function') {
    const primitive = toPrimitive.call(value, 'string');
    if (typeof primitive === 'string') return from(primitive, encoding);
  }
  return null;
}

function fromArrayBuffer(value, byteOffset, length) {
  const offset = Number(byteOffset) || 0;
  const room = value.byteLength - offset;
  if (room < 0)
    throw coded(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS',
      '"offset" is outside of buffer bounds');
  if (length === undefined) return new FastBuffer(value, offset);
  const count = Number(length) > 0 ? Math.min(Number(length), Infinity) : 0;
  if (count > room)
    throw coded(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS',
      '"length" is outside of buffer bounds');
  return new FastBuffer(value, offset, count);
}

function from(value, encoding, length) {
  if (typeof value === 'string') {
    return over(codec.encode(value,
      typeof encoding === 'string' ? encoding : undefined));
  }
  if (typeof value === 'object' && value !== null) {
    if (ArrayBuffer.isView(value) && !types.isDataView(value))
      return new FastBuffer(value);
    const made = fromObject(value, encoding, length);
    if (made) return made;
  }
  throw argType('first argument', 'of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object', value);
}

function Buffer(value, encoding, length) {
  if (typeof value === 'number') {
    if (typeof encoding === 'string')
      throw argType('string', 'of type string', value);
    return Buffer.alloc(value);
  }
  return from(value, encoding, length);
}
Buffer.prototype = FastBuffer.prototype;
Object.defineProperty(FastBuffer.prototype, 'constructor',
  { value: Buffer, writable: true, configurable: true });
Object.setPrototypeOf(Buffer, Uint8Array);
Object.defineProperty(Buffer, Symbol.species, { get: () => FastBuffer });

function bytesOf(value, name) {
  if (value instanceof Uint8Array) return value;
  throw argType(name, 'an instance of Buffer or Uint8Array', value);
}

function order(a, b) {
  const count = Math.min(a.length, b.length);
  for (let i = 0; i < count; i++)
    if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  return Math.sign(a.length - b.length);
}

Object.assign(Buffer, {
  poolSize: 8192,
  from,
  alloc(size, fill, encoding) {
    checkSize(size);
    const made = new FastBuffer(size);
    return fill === undefined || fill === 0 || size === 0 ? made
      : made.fill(fill, encoding);
  },
  allocUnsafe(size) {
    checkSize(size);
    return new FastBuffer(size);
  },
  allocUnsafeSlow: (size) => Buffer.allocUnsafe(size),
  isBuffer: (value) => value instanceof FastBuffer,
  isEncoding: (encoding) => typeof encoding === 'string' && encoding !== ''
    && codec.nameOf(encoding) !== undefined,
  byteLength(value, encoding) {
    if (typeof value !== 'string') {
      if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value))
        return value.byteLength;
      throw argType('string', 'of type string or an instance of Buffer or ArrayBuffer', value);
    }
    const name = codec.nameOf(encoding) ?? 'utf8';
    if (name === 'latin1' || name === 'ascii') return value.length;
    if (name === 'utf16le') return value.length * 2;
    if (name === 'hex') return value.length >>> 1;
    if (name !== 'utf8') {
      const end = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
      return ((value.length - end) * 3) >>> 2;
    }
    return host.utf8(value).length;
  },
  compare(a, b) {
    return order(bytesOf(a, 'buf1'), bytesOf(b, 'buf2'));
  },
  concat(list, total) {
    if (!Array.isArray(list))
      throw argType('list', 'an instance of Array', list);
    const wanted = total ?? list.reduce((sum, each) => sum + (each.length ?? 0), 0);
    const out = Buffer.alloc(Math.max(0, wanted));
    let at = 0;
    list.forEach((each, i) => {
      if (!(each instanceof Uint8Array))
        throw argType(`list[${i}]`, 'an instance of Buffer or Uint8Array', each);
      if (at >= out.length) return;
      out.set(each.length > out.length - at ? each.subarray(0, out.length - at)
        : each, at);
      at += each.length;
    });
    return out;
  },
  of: (...bytes) => new FastBuffer(bytes),
  copyBytesFrom(view, offset = 0, length) {
    const part = view.slice(offset,
      length === undefined ? undefined : offset + length);
    return Buffer.from(part.buffer);
  },
});

// ---- methods

// Where a range begins and ends, of what may lie outside.
function clamp(value, preset, top) {
  if (value === undefined) return preset;
  const n = Math.trunc(Number(value)) || 0;
  return n < 0 ? Math.max(0, top + n) : Math.min(n, top);
}

function limit(value, preset, top) {
  if (value === undefined) return preset;
  const n = Math.trunc(Number(value)) || 0;
  return n < 0 ? 0 : Math.min(n, top);
}

function checkRange(name, value, low, high) {
  if (typeof value !== 'number') throw argType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw range(name, 'an integer', value);
  if (value < low || value > high)
    throw range(name, `>= ${low} && <= ${high}`, value);
}

function checkNumber(name, value, top) {
  if (typeof value !== 'number') throw argType(name, 'of type number', value);
  if (!(value >= 0 && value <= top))
    throw range(name, top === Infinity ? '>= 0' : `>= 0 && <= ${top}`, value);
}

// The needle of indexOf and includes as bytes; a number is one byte.
function needle(value, encoding) {
  if (typeof value === 'string') return codec.encode(value, encoding);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'number') return Uint8Array.of(value);
  throw argType('value', 'one of type number or string or an instance of Buffer or Uint8Array', value);
}

function search(buffer, value, offset, encoding, isForward) {
  let from = offset;
  let named = encoding;
  if (typeof from === 'string') {
    named = from;
    from = undefined;
  }
  const wanted = needle(value, named);
  const step = typeof value !== 'number' && codec.nameOf(named) === 'utf16le' ? 2 : 1;
  let at = from === undefined || Number.isNaN(+from) ? (isForward ? 0
    : buffer.length) : Math.trunc(+from);
  if (from === null && !isForward) at = 0;
  if (at < 0) at += buffer.length;
  if (wanted.length === 0) return Math.min(Math.max(0, at), buffer.length);
  if (isForward && at + wanted.length > buffer.length) return -1;
  if (step === 2) at -= at % 2;
  if (isForward) {
    at = Math.max(0, at);
    const last = buffer.length - wanted.length;
    for (let i = at; i <= last; i += step) {
      i = step === 2 ? i
        : Uint8Array.prototype.indexOf.call(buffer, wanted[0], i);
      if (i < 0 || i > last) return -1;
      if (matches(buffer, wanted, i)) return i;
    }
    return -1;
  }
  if (at < 0) return -1;
  for (let i = Math.min(at, buffer.length - wanted.length); i >= 0; i -= step)
    if (matches(buffer, wanted, i)) return i;
  return -1;
}

function matches(buffer, wanted, at) {
  for (let i = 0; i < wanted.length; i++)
    if (buffer[at + i] !== wanted[i]) return false;
  return true;
}

function swap(buffer, size) {
  if (buffer.length % size !== 0)
    throw coded(RangeError, 'ERR_INVALID_BUFFER_SIZE',
      `Buffer size must be a multiple of ${size * 8}-bits`);
  for (let i = 0; i < buffer.length; i += size)
    buffer.subarray(i, i + size).reverse();
  return buffer;
}

const methods = {
  toString(encoding, start, end) {
    if (arguments.length === 0) return codec.utf8(this);
    const from = limit(start, 0, this.length);
    const to = limit(end, this.length, this.length);
    if (to <= from) return '';
    return codec.decode(from === 0 && to === this.length ? this
      : this.subarray(from, to), encoding);
  },

  write(text, offset, length, encoding) {
    let [at, count, named] = [offset, length, encoding];
    if (typeof text !== 'string')
      throw coded(TypeError, 'ERR_INVALID_ARG_TYPE',
        'argument must be a string');
    if (typeof at === 'string') [at, named] = [undefined, at];
    else if (typeof count === 'string') [count, named] = [undefined, count];
    if (at !== undefined) checkRange('offset', at, 0, this.length);
    const room = this.length - (at ?? 0);
    if (count !== undefined) checkRange('length', count, 0, this.length);
    const bytes = codec.encode(text, named);
    const most = Math.min(room, count ?? room);
    let take = Math.min(bytes.length, most);
    const name = codec.nameOf(named);
    // Whole characters only.
    if (take < bytes.length && name === 'utf8')
      while (take > 0 && (bytes[take] & 0xc0) === 0x80) take--;
    if (name === 'utf16le') take &= ~1;
    this.set(bytes.subarray(0, take), at ?? 0);
    return take;
  },

  fill(value, offset, end, encoding) {
    let [from, to, named] = [offset, end, encoding];
    if (typeof from === 'string') [from, to, named] = [undefined, undefined, from];
    else if (typeof to === 'string') [to, named] = [undefined, to];
    if (from !== undefined) checkNumber('offset', from, Infinity);
    if (to !== undefined) checkNumber('end', to, this.length);
    from = Math.trunc(from ?? 0);
    to = Math.trunc(to ?? this.length);
    if (typeof value === 'string' || value instanceof Uint8Array) {
      if (typeof value === 'string' && codec.nameOf(named) === undefined)
        throw coded(TypeError, 'ERR_UNKNOWN_ENCODING', `Unknown encoding: ${named}`);
      const pattern = typeof value === 'string' ? codec.encode(value, named)
        : value;
      if (pattern.length === 0 && value.length > 0 && from < to)
        throw argValue('value', value);
      if (pattern.length === 0) {
        Uint8Array.prototype.fill.call(this, 0, from, to);
        return this;
      }
      for (let i = from; i < to; i++)
        this[i] = pattern[(i - from) % pattern.length];
      return this;
    }
    Uint8Array.prototype.fill.call(this,
      typeof value === 'boolean' ? Number(value) : value & 255, from, to);
    return this;
  },

  slice(start, end) {
    return this.subarray(start, end);
  },

  subarray(start, end) {
    const from = clamp(start, 0, this.length);
    const to = clamp(end, this.length, this.length);
    return new FastBuffer(this.buffer, this.byteOffset + from,
      Math.max(0, to - from));
  },

  equals(other) {
    return order(this, bytesOf(other, 'otherBuffer')) === 0;
  },

  compare(target, targetStart, targetEnd, start, end) {
    bytesOf(target, 'target');
    const pick = (name, value, preset, top) => {
      if (value === undefined) return preset;
      checkRange(name, value, 0, top);
      return value;
    };
    const b = over(target).subarray(
      pick('targetStart', targetStart, 0, 2 ** 53 - 1),
      pick('targetEnd', targetEnd, target.length, target.length));
    const a = this.subarray(pick('sourceStart', start, 0, 2 ** 53 - 1),
      pick('sourceEnd', end, this.length, this.length));
    return order(a, b);
  },

  copy(target, targetStart = 0, start = 0, end = this.length) {
    if (!(target instanceof Uint8Array))
      throw argType('target', 'an instance of Buffer or Uint8Array', target);
    const at = Math.trunc(+targetStart) || 0;
    const from = Math.trunc(+start) || 0;
    if (at < 0) throw range('targetStart', '>= 0', at);
    if (from < 0 || from > this.length)
      throw range('sourceStart', `>= 0 && <= ${this.length}`, from);
    const to = Math.trunc(+end) || 0;
    if (to < 0) throw range('sourceEnd', '>= 0', to);
    if (at >= target.length || from >= to) return 0;
    const part = this.subarray(from, Math.min(to, this.length,
      from + target.length - at));
    target.set(part, at);
    return part.length;
  },

  indexOf(value, offset, encoding) {
    return search(this, value, offset, encoding, true);
  },

  lastIndexOf(value, offset, encoding) {
    return search(this, value, offset, encoding, false);
  },

  includes(value, offset, encoding) {
    return search(this, value, offset, encoding, true) !== -1;
  },

  swap16() {
    return swap(this, 2);
  },

  swap32() {
    return swap(this, 4);
  },

  swap64() {
    return swap(this, 8);
  },

  toJSON() {
    return { type: 'Buffer', data: Array.from(this) };
  },

  toLocaleString(encoding, start, end) {
    return this.toString(encoding, start, end);
  },

  [Symbol.for('nodejs.util.inspect.custom')]() {
    const shown = codec.decode(this.subarray(0, 50), 'hex')
      .replace(/(..)(?=.)/g, '$1 ');
    const more = this.length - 50;
    return `<Buffer${shown ? ` ${shown}` : ''}${
      more > 0 ? ` ... ${more} more byte${more > 1 ? 's' : ''}` : ''}>`;
  },
};
for (const name of ['utf8', 'hex', 'base64', 'latin1', 'ascii', 'ucs2']) {
  methods[`${name}Slice`] = function slice(start, end) {
    return this.toString(name, start, end);
  };
  methods[`${name}Write`] = function write(text, offset, length) {
    return this.write(text, offset, length, name);
  };
}
Object.assign(methods, require('./buffer_numbers'));
for (const name of Reflect.ownKeys(methods))
  Object.defineProperty(FastBuffer.prototype, name,
    { value: methods[name], writable: true, configurable: true });
for (const [name, of] of [['parent', 'buffer'], ['offset', 'byteOffset']])
  Object.defineProperty(FastBuffer.prototype, name, { configurable: true,
    get() {
      return this instanceof FastBuffer ? this[of] : undefined;
    } });

module.exports = { Buffer, over };
