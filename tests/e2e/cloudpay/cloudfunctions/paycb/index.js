// Told of payments and refunds, as CloudBase tells such a function.
const mpcloud = require('mpcloud');

exports.main = async (event, context) => {
  await mpcloud.call('database.addDocument', { collectionName: 'told', data: [{ event, source: process.env.TRIGGER_SRC ?? '' }] });
  return { errcode: 0, errmsg: 'OK' };
};
