'use strict';
// Uint8Arrays in and out of whatever callers give.

module.exports = {
  concat(list) {
    const out = new Uint8Array(list.reduce((sum, each) => sum + each.length, 0));
    let at = 0;
    for (const each of list) {
      out.set(each, at);
      at += each.length;
    }
    return out;
  },
  // A view of the same bytes, or null when there are none.
  of(value) {
    if (value instanceof Uint8Array) return value;
    if (ArrayBuffer.isView(value))
      return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return require('./util_types').isAnyArrayBuffer(value)
      ? new Uint8Array(value) : null;
  },
};
