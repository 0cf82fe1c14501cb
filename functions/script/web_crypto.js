'use strict';
// The global `crypto`: random values and digests.

const bytes = require('./bytes');

const HASHES = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384',
  'SHA-512': 'sha512' };

function fault(message, name) {
  const { DOMException } = require('./dom_exception');
  return new DOMException(message, name);
}

module.exports = {
  crypto: {
    getRandomValues(target) {
      const kind = require('./util_types').typeName(target);
      if (!/^(Big)?(Ui|I)nt/.test(kind ?? ''))
        throw fault('The data argument must be an integer-type TypedArray',
          'TypeMismatchError');
      if (target.byteLength > 65536)
        throw fault(`The requested length exceeds 65,536 bytes`,
          'QuotaExceededError');
      return require('./crypto').randomFillSync(target);
    },
    randomUUID: () => require('./crypto').randomUUID(),
    subtle: {
      async digest(algorithm, data) {
        const name = HASHES[String(algorithm?.name ?? algorithm).toUpperCase()];
        if (!name) throw fault('Unrecognized algorithm name', 'NotSupportedError');
        const out = host.hash(name, null, bytes.of(data));
        return out.buffer.slice(out.byteOffset, out.byteOffset + out.length);
      },
    },
  },
};
