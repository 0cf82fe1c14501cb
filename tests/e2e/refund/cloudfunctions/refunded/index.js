// Hears of every refund that reached its user.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  await mpcloud.call('database.addDocument', { collectionName: 'heard', data: [{ event }] });
};
