try {
  const fast = require('bufferutil-native-that-is-not-here');
  module.exports = { native: true, why: null, mask: fast.mask };
} catch (err) {
  module.exports = {
    native: false,
    why: err.code,
    mask: (bytes, key) => bytes.map((b) => b ^ key),
  };
}
