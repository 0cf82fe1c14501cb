const _ = require('lodash');

exports.main = async (event) => {
  const orders = event.orders || [];
  const byUser = _.groupBy(orders, 'user');
  return {
    totals: _.mapValues(byUser, (list) => _.sumBy(list, 'price')),
    newest: _.chain(orders).sortBy('at').last().pick(['id', 'user']).value(),
    ids: _.uniq(_.map(orders, 'id')),
    camel: _.camelCase(event.text),
    deep: _.get(event, 'a.b[0].c', 'none'),
    chunks: _.chunk(_.range(7), 3),
  };
};
