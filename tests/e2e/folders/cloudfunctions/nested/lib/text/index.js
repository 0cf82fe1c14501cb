const { capital } = require('./capital');

exports.title = (s) => s.split(' ').map(capital).join(' ');
