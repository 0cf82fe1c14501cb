module.exports = (name) => `welcome, ${name}`;
module.exports.version = require('./package.json').version;
