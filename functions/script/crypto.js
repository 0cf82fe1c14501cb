'use strict';
// require('crypto'): hashes, HMAC, random values.

const { Buffer } = require('./buffer');
const bytes = require('./bytes');
const codec = require('./buffer_codec');
const { argType, coded, range } = require('./errors');

const HASHES = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];

function bufferOf(view) {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function hashName(given) {
  if (typeof given !== 'string')
    throw argType('algorithm', 'of type string', given);
  const name = given.toLowerCase().replace(/^(rsa-)?(sha)-?/, '$2');
  return HASHES.includes(name) ? name : null;
}

function dataOf(given, encoding, name = 'data') {
  if (typeof given === 'string')
    return codec.encode(given, codec.nameOf(encoding) ?? 'utf8');
  const view = bytes.of(given);
  if (!view)
    throw argType(name, 'of type string or an instance of Buffer, TypedArray, or DataView', given);
  return view;
}

// What was given so far; the host hashes it whole.
class Digest {
  #name;
  #key;
  #parts;
  #isDone = false;

  constructor(name, key, parts = []) {
    this.#name = name;
    this.#key = key;
    this.#parts = parts;
  }

  #check() {
    if (this.#isDone)
      throw coded(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
  }

  update(data, encoding) {
    this.#check();
    this.#parts.push(dataOf(data, encoding).slice());
    return this;
  }

  digest(encoding) {
    this.#check();
    this.#isDone = true;
    const all = this.#parts.length === 1 ? this.#parts[0]
      : bytes.concat(this.#parts);
    const out = bufferOf(host.hash(this.#name, this.#key, all));
    return encoding && encoding !== 'buffer' ? out.toString(encoding) : out;
  }

  copy() {
    this.#check();
    return new Digest(this.#name, this.#key, [...this.#parts]);
  }
}

function createHash(algorithm) {
  const name = hashName(algorithm);
  if (!name)
    throw Object.assign(new Error('Digest method not supported'),
      { code: 'ERR_OSSL_EVP_UNSUPPORTED' });
  return new Digest(name, null);
}

function createHmac(algorithm, key) {
  const name = hashName(algorithm);
  if (!name)
    throw coded(Error, 'ERR_CRYPTO_INVALID_DIGEST', `Invalid digest: ${algorithm}`);
  return new Digest(name, dataOf(key, 'utf8', 'key').slice());
}

// ---- random

function randomBytes(size, callback) {
  if (typeof size !== 'number') throw argType('size', 'of type number', size);
  if (!(size >= 0 && size <= 2 ** 31 - 1))
    throw range('size', '>= 0 && <= 2147483647', size);
  const out = bufferOf(host.random(size));
  if (!callback) return out;
  require('./tick').later(callback, null, out);
  return undefined;
}

function randomFillSync(target, offset = 0, size) {
  const view = bytes.of(target);
  if (!view)
    throw argType('buf', 'an instance of ArrayBuffer or ArrayBufferView', target);
  const end = size === undefined ? view.length : offset + size;
  if (offset < 0 || offset > view.length)
    throw range('offset', `>= 0 && <= ${view.length}`, offset);
  if (end > view.length) throw range('size + offset', `<= ${view.length}`, end);
  for (let at = offset; at < end; at += 65536)
    view.set(host.random(Math.min(65536, end - at)), at);
  return target;
}

// Six bytes at a time; those that would favour small numbers are thrown away.
function randomBelow(span) {
  const top = 2 ** 48 - (2 ** 48 % span);
  for (;;) {
    const value = host.random(6).reduce((sum, byte) => sum * 256 + byte, 0);
    if (value < top) return value % span;
  }
}

function randomInt(min, max, callback) {
  if (max === undefined || typeof max === 'function')
    return randomInt(0, min, max);
  if (!Number.isSafeInteger(min)) throw argType('min', 'a safe integer', min);
  if (!Number.isSafeInteger(max)) throw argType('max', 'a safe integer', max);
  if (max <= min)
    throw range('max', `greater than the value of "min" (${min})`, max);
  if (max - min > 2 ** 48 - 1) throw range('max - min', `<= ${2 ** 48 - 1}`, max - min);
  const out = min + randomBelow(max - min);
  if (!callback) return out;
  require('./tick').later(callback, null, out);
  return undefined;
}

function randomUUID() {
  const b = host.random(16);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = codec.decode(b, 'hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16),
    hex.slice(16, 20), hex.slice(20)].join('-');
}

function timingSafeEqual(a, b) {
  const [x, y] = [bytes.of(a), bytes.of(b)];
  if (!x) throw argType('buf1', 'an instance of ArrayBuffer, Buffer, TypedArray, or DataView', a);
  if (!y) throw argType('buf2', 'an instance of ArrayBuffer, Buffer, TypedArray, or DataView', b);
  if (x.length !== y.length)
    throw coded(RangeError, 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH',
      'Input buffers must have the same byte length');
  let differ = 0;
  for (let i = 0; i < x.length; i++) differ |= x[i] ^ y[i];
  return differ === 0;
}

// ---- keys from passwords (RFC 8018)

function pbkdf2Sync(password, salt, iterations, length, digest) {
  const name = hashName(digest);
  if (!name)
    throw coded(TypeError, 'ERR_CRYPTO_INVALID_DIGEST', `Invalid digest: ${digest}`);
  const key = dataOf(password);
  const blocks = [];
  for (let at = 0, i = 1; at < length; i++) {
    const counter = Uint8Array.of(i >>> 24, i >>> 16, i >>> 8, i);
    let u = host.hash(name, key, bytes.concat([dataOf(salt), counter]));
    const block = u.slice();
    for (let k = 1; k < iterations; k++) {
      u = host.hash(name, key, u);
      for (let b = 0; b < block.length; b++) block[b] ^= u[b];
    }
    blocks.push(block);
    at += block.length;
  }
  return Buffer.concat(blocks.map(bufferOf), length);
}

const crypto = {
  createHash, createHmac, randomBytes, randomFillSync, randomInt, randomUUID,
  timingSafeEqual, pbkdf2Sync,
  hash: (algorithm, data, encoding = 'hex') =>
    createHash(algorithm).update(data).digest(encoding),
  pseudoRandomBytes: randomBytes,
  pbkdf2(password, salt, iterations, length, digest, callback) {
    require('./tick').later(callback, null,
      pbkdf2Sync(password, salt, iterations, length, digest));
  },
  randomFill(target, ...rest) {
    const callback = rest.pop();
    require('./tick').later(callback, null, randomFillSync(target, ...rest));
  },
  getHashes: () => [...HASHES],
  get webcrypto() {
    return globalThis.crypto;
  },
  getRandomValues: (target) => globalThis.crypto.getRandomValues(target),
};
for (const name of ['createCipheriv', 'createDecipheriv', 'createSign',
  'createVerify', 'sign', 'verify', 'publicEncrypt', 'publicDecrypt',
  'privateEncrypt', 'privateDecrypt', 'generateKeyPair', 'generateKeyPairSync',
  'createPublicKey', 'createPrivateKey', 'createSecretKey', 'scrypt',
  'scryptSync', 'hkdf', 'hkdfSync', 'createDiffieHellman', 'createECDH',
  'diffieHellman'])
  crypto[name] = () => {
    throw coded(Error, 'ERR_FEATURE_UNAVAILABLE',
      `crypto.${name}: a script function has hashes, HMAC and random values `
      + 'only; give the function "runtime": "node" to use it');
  };

module.exports = crypto;
