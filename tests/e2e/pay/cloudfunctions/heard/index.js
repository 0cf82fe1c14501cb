// Hears of every payment.
const mpcloud = require('mpcloud');

exports.main = async (event) => {
  await mpcloud.call('database.addDocument', { collectionName: 'heard', data: [{ event }] });
};
