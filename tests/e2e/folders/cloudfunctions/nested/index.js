// Folders in folders, an index.js found by its folder's name, a package.json's
// main, JSON, a circular pair, a module loaded when it is needed.
const config = require('./config.json');
const { sum } = require('./lib/math');
const text = require('./lib/text/index');
const store = require('./store');
const { a } = require('./lib/circle/a');

exports.main = async (event) => {
  const handler = require(`./handlers/${event.act || 'list'}`);
  return {
    shop: config.shop.name,
    sum: sum(...(event.numbers || [])),
    title: text.title(event.title || ''),
    handled: await handler(event, store),
    circle: a(),
    same: require('./store') === store,
    file: require('path').relative(__dirname, __filename),
  };
};
