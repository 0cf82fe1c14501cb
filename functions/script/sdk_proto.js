'use strict';
// Protocol buffers, as far as WeChat's open APIs inside the cloud use them:
// fields that are numbers, texts, bytes, messages, and lists of these.

function varint(out, value) {
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

function field(out, number, kind, value) {
  if (kind === 'int') {
    varint(out, number << 3);
    varint(out, value);
    return;
  }
  const bytes = typeof value === 'string' ? host.utf8(value)
    : Array.isArray(kind) ? encode(kind[0], value) : value;
  varint(out, (number << 3) | 2);
  varint(out, bytes.length);
  for (const byte of bytes) out.push(byte);
}

// schema: {name: [number, kind, isList?]}; kind 'int', 'text', 'bytes' or
// [schema].  Members that are null or undefined are left out.
function encode(schema, value) {
  const out = [];
  for (const [name, [number, kind, isList]] of Object.entries(schema)) {
    const given = value[name];
    if (given === undefined || given === null) continue;
    for (const each of isList ? given : [given]) field(out, number, kind, each);
  }
  return Uint8Array.from(out);
}

function reader(bytes) {
  let at = 0;
  return {
    more: () => at < bytes.length,
    varint() {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        if (at >= bytes.length || shift > 63n)
          throw new RangeError('index out of range');
        const byte = bytes[at++];
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) return value;
      }
    },
    take(count) {
      if (at + count > bytes.length) throw new RangeError('index out of range');
      at += count;
      return bytes.subarray(at - count, at);
    },
  };
}

function value(kind, bytes) {
  if (kind === 'text') return host.text(bytes);
  return Array.isArray(kind) ? decode(kind[0], bytes) : bytes;
}

function skip(input, wire) {
  if (wire === 0) input.varint();
  else if (wire === 1) input.take(8);
  else if (wire === 2) input.take(Number(input.varint()));
  else if (wire === 5) input.take(4);
  else throw new Error(`invalid wire type ${wire}`);
}

function blank(schema) {
  return Object.fromEntries(Object.entries(schema).map(([name, [, kind, isList]]) =>
    [name, isList ? [] : kind === 'int' ? 0 : kind === 'text' ? ''
      : kind === 'bytes' ? new Uint8Array(0) : null]));
}

function decode(schema, bytes) {
  const out = blank(schema);
  const input = reader(bytes);
  while (input.more()) {
    const tag = Number(input.varint());
    const row = Object.entries(schema).find(([, [number]]) => number === tag >> 3);
    const wanted = row && (row[1][1] === 'int' ? 0 : 2);
    if (!row || wanted !== (tag & 7)) {
      skip(input, tag & 7);
      continue;
    }
    const [name, [, kind, isList]] = row;
    const got = wanted === 0 ? Number(BigInt.asIntN(32, input.varint()))
      : value(kind, input.take(Number(input.varint())));
    if (isList) out[name].push(got);
    else out[name] = got;
  }
  return out;
}

module.exports = { encode, decode };
