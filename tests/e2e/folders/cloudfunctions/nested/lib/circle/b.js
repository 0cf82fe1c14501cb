const a = require('./a');

exports.b = () => `b of ${a.name}`;
