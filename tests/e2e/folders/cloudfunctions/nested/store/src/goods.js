const { limit } = require('../../config');
const goods = require('../data/goods');

exports.list = () => goods.slice(0, limit).map((g) => g.id);
exports.find = (id) => goods.find((g) => g.id === id) || null;
