// A fast native module if it is there, JavaScript otherwise, as ws and others do.
const codec = require('./lib/codec');

exports.main = async (event) => ({
  native: codec.native,
  masked: codec.mask(event.bytes || [], 0x5a),
  why: codec.why,
});
