exports.name = 'a';
const b = require('./b');

exports.a = () => `${exports.name}-${b.b()}`;
