// The function that a refund names: told how it ended.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  await mpcloud.call('database.addDocument', { collectionName: 'told', data: [{ event }] });
  return { errcode: 0, errmsg: 'OK' };
};
