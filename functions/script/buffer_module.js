'use strict';
// require('buffer').

const { Buffer } = require('./buffer');

// Old packages patch its prototype.
function SlowBuffer(size) {
  return Buffer.allocUnsafe(size);
}
SlowBuffer.prototype = Buffer.prototype;

module.exports = {
  Buffer,
  SlowBuffer,
  get Blob() {
    return globalThis.Blob;
  },
  get File() {
    return globalThis.File;
  },
  get atob() {
    return globalThis.atob;
  },
  get btoa() {
    return globalThis.btoa;
  },
  isUtf8(bytes) {
    const { TextDecoder } = require('./text_codec');
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      return true;
    } catch {
      return false;
    }
  },
  isAscii: (bytes) => new Uint8Array(bytes.buffer ?? bytes).every((b) => b < 128),
  constants: { MAX_LENGTH: 2 ** 31 - 1, MAX_STRING_LENGTH: 2 ** 29 - 24 },
  kMaxLength: 2 ** 31 - 1,
  kStringMaxLength: 2 ** 29 - 24,
  INSPECT_MAX_BYTES: 50,
  transcode: (bytes, from, to) => Buffer.from(Buffer.from(bytes)
    .toString(from), to),
};
